package rest

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"hawker/internal/fault"
	"hawker/internal/payment"
)

// Refusals of the door itself.
var (
	errBody             = fault.New(fault.Invalid, "request_invalid", "请求内容不合规，请看 errors 里的每一项。", "The request is not valid. See errors for each field.")
	errNoJSON           = fault.New(fault.Invalid, "request_unreadable", "请求内容不是有效的 JSON。", "The request's body is not valid JSON.")
	errTooLarge         = fault.New(fault.Invalid, "request_too_large", "请求内容太大。", "The request is too large.")
	errSlow             = fault.New(fault.Invalid, "request_too_slow", "请求发送太慢。", "The request arrived too slowly.")
	errMediaType        = fault.New(fault.Invalid, "media_type", "请求内容必须是 application/json。", "The request's body must be application/json.")
	errAccept           = fault.New(fault.Invalid, "not_acceptable", "只能返回 application/json。", "Only application/json can be given.")
	errNoOperation      = fault.New(fault.NotFound, "no_such_operation", "没有这个接口。", "There is no such operation.")
	errMethodNotAllowed = fault.New(fault.Invalid, "method_not_allowed", "这个接口不支持该方法。", "This operation has no such method.")
	errLimited          = fault.New(fault.Limited, "too_many_requests", "请求太频繁，请稍后再试。", "Too many requests. Please try again later.")
	errNoKey            = fault.New(fault.Anonymous, "key_missing", "请在 Authorization 头中提供 API 密钥：Bearer hk_…", "An API key is needed in the Authorization header: Bearer hk_…")
	errScope            = fault.New(fault.Forbidden, "scope_missing", "这个密钥没有此项权限。", "This key lacks the scope for it.")
	errInternal         = fault.New(fault.Internal, "internal", "系统出错了，我们已经记下，请稍后再试。", "Something went wrong on our side. Please try again later.")
)

// statuses is the one table from a refusal's kind to a status.
var statuses = map[fault.Kind]int{
	fault.Internal:    http.StatusInternalServerError,
	fault.Invalid:     http.StatusUnprocessableEntity,
	fault.NotFound:    http.StatusNotFound,
	fault.Conflict:    http.StatusConflict,
	fault.Declined:    http.StatusPaymentRequired,
	fault.Unavailable: http.StatusServiceUnavailable,
	fault.Anonymous:   http.StatusUnauthorized,
	fault.Forbidden:   http.StatusForbidden,
	fault.Limited:     http.StatusTooManyRequests,
}

// special are refusals whose status HTTP itself says.
var special = map[string]int{
	errNoJSON.Name:           http.StatusBadRequest,
	errTooLarge.Name:         http.StatusRequestEntityTooLarge,
	errSlow.Name:             http.StatusRequestTimeout,
	errMediaType.Name:        http.StatusUnsupportedMediaType,
	errAccept.Name:           http.StatusNotAcceptable,
	errMethodNotAllowed.Name: http.StatusMethodNotAllowed,
}

func statusOf(f *fault.Fault) int {
	if s, ok := special[f.Name]; ok {
		return s
	}
	return statuses[f.Kind]
}

// typePrefix begins every problem's type; docs/problems.md lists them.
const typePrefix = "urn:hawker:problem:"

// Problem is a refusal as RFC 9457 writes it.
type Problem struct {
	Type     string   `json:"type" example:"urn:hawker:problem:amount_invalid" doc:"What went wrong; it never changes its meaning. docs/problems.md lists them all."`
	Title    string   `json:"title" doc:"The same in words, in the language of Accept-Language: en or zh-CN."`
	Status   int      `json:"status" doc:"The HTTP status."`
	Detail   string   `json:"detail,omitempty" doc:"What was wrong this time, for whoever writes the program."`
	Instance string   `json:"instance,omitempty" example:"urn:hawker:request:0HZX3K7Q2M" doc:"This answer: its X-Request-Id."`
	TitleZH  string   `json:"title_zh" doc:"What may be shown to a person, in Chinese."`
	TitleEN  string   `json:"title_en" doc:"What may be shown to a person, in English."`
	Errors   []Detail `json:"errors,omitempty" nullable:"false" doc:"Each thing that is wrong with the request."`
	First    string   `json:"first_hash,omitempty" doc:"Of the content that the idempotency key was first used with."`
	Second   string   `json:"second_hash,omitempty" doc:"Of the content that came now."`
}

// Detail is one thing that is wrong with a request. The value is not repeated: it may be a secret.
type Detail struct {
	Location string `json:"location,omitempty" example:"body.amount_minor" doc:"Where."`
	Message  string `json:"message" doc:"What."`
}

// Error is what a log reads.
func (p *Problem) Error() string { return p.Type + ": " + p.Detail }

// GetStatus is the HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType is RFC 9457's.
func (p *Problem) ContentType(string) string { return problemType }

const problemType = "application/problem+json"

// problemOf tells a refusal to a program.
func problemOf(ctx context.Context, lang string, err error) *Problem {
	f := fault.Of(err)
	p := &Problem{Type: typePrefix + f.Name, Status: statusOf(f), Title: f.EN, TitleZH: f.ZH, TitleEN: f.EN}
	if lang == "zh-CN" {
		p.Title = f.ZH
	}
	if id := requestID(ctx); id != "" {
		p.Instance = "urn:hawker:request:" + id
	}
	// Causes are for the log; of what the caller did wrong he is told.
	if cause := f.Unwrap(); cause != nil && f.Kind == fault.Invalid {
		p.Detail = cause.Error()
	}
	var reuse *payment.Reuse
	if errors.As(err, &reuse) {
		p.First, p.Second = reuse.First, reuse.Second
		p.Detail = "The idempotency key was used with other content."
	}
	return p
}

// hook has huma refuse as we do.
func hook() {
	huma.ValidateStrictCasing = true
	huma.NewError = func(status int, msg string, errs ...error) huma.StatusError {
		return fromHuma(context.Background(), "en", status, msg, errs)
	}
	huma.NewErrorWithContext = func(ctx huma.Context, status int, msg string, errs ...error) huma.StatusError {
		return fromHuma(ctx.Context(), language(ctx.Header("Accept-Language")), status, msg, errs)
	}
}

// fromHuma names what huma found.
func fromHuma(ctx context.Context, lang string, status int, msg string, errs []error) *Problem {
	named := map[int]*fault.Fault{
		http.StatusBadRequest: errNoJSON, http.StatusRequestEntityTooLarge: errTooLarge, http.StatusRequestTimeout: errSlow,
		http.StatusUnsupportedMediaType: errMediaType, http.StatusNotAcceptable: errAccept, http.StatusUnprocessableEntity: errBody,
	}
	f, ok := named[status]
	if !ok {
		f = errInternal
	}
	p := problemOf(ctx, lang, f)
	if f == errInternal {
		return p
	}
	p.Detail = msg
	for _, err := range errs {
		var d huma.ErrorDetailer
		if errors.As(err, &d) {
			e := d.ErrorDetail()
			p.Errors = append(p.Errors, Detail{Location: e.Location, Message: e.Message})
		} else if err != nil && status != http.StatusBadRequest {
			p.Errors = append(p.Errors, Detail{Message: err.Error()})
		}
	}
	return p
}

// writeProblem answers outside huma.
func writeProblem(w http.ResponseWriter, _ *http.Request, p *Problem) {
	w.Header().Set("Content-Type", problemType)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p)
}

// language is zh-CN for whoever wants Chinese first, and en for programs that say nothing.
func language(accept string) string {
	first, _, _ := strings.Cut(accept, ",")
	if strings.HasPrefix(strings.ToLower(strings.TrimSpace(first)), "zh") {
		return "zh-CN"
	}
	return "en"
}
