package auth

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"hawker/internal/fault"
	"hawker/internal/merchant"
	"hawker/internal/store"
)

// State is whether an account may sign in.
type State string

// The states. An Invited one has a link and nothing else yet.
const (
	Invited   State = "invited"
	Active    State = "active"
	Suspended State = "suspended"
)

// Refusals of accounts.
var (
	ErrLogin    = fault.New(fault.Invalid, "login_unfit", "账号要 3–64 个字符：字母、数字、点、横线、下划线、@ 和加号，例如手机号或邮箱。", "An account name has 3 to 64 characters: letters, digits, dots, hyphens, underscores, @ and plus, such as a phone number or e-mail address.")
	ErrTaken    = fault.New(fault.Conflict, "login_taken", "这个账号名已有人使用，请换一个。", "This account name is taken. Please choose another.")
	ErrName     = fault.New(fault.Invalid, "name_unfit", "请填写姓名，最多 40 个字。", "Please give a name of at most 40 characters.")
	ErrPhone    = fault.New(fault.Invalid, "phone_unfit", "手机号不对，请检查。", "This phone number is not right. Please check it.")
	ErrRole     = fault.New(fault.Invalid, "role_unfit", "没有这个角色。", "There is no such role.")
	ErrOneself  = fault.New(fault.Conflict, "not_oneself", "不能改自己的角色或停用自己，请让另一位店主或管理员来做。", "You cannot change your own role or suspend yourself. Please ask another owner or administrator.")
	ErrLastOne  = fault.New(fault.Conflict, "last_one", "至少要有一位可以登录的店主或管理员。", "At least one owner or administrator must be able to sign in.")
	ErrNoPerson = fault.New(fault.NotFound, "account_unknown", "没有这个账号。", "There is no such account.")
)

// Account is a person who may sign in. It holds no secret.
type Account struct {
	Merchant   merchant.ID // 0 for an operator
	ID         int64
	Kind       Kind // Staff or Operator
	Login      string
	Name       string
	Phone      string // may be ""
	Role       Role
	State      State
	Password   bool      // has one
	PasswordAt time.Time // when it was set
	TOTP       bool      // has one-time codes
	PIN        bool
	Passkeys   int
	Locked     time.Time // until when; zero for not
	PINLocked  time.Time
	Created    time.Time
	Seen       time.Time // last sign-in; zero for never

	passwordHash, pinHash string
	tries, pinTries       int64
	totp                  []byte
	totpStep              int64
}

// Strong reports whether he can prove himself by more than a password.
func (a Account) Strong() bool { return a.TOTP || a.Passkeys > 0 }

// who is the account as one who acts.
func (a Account) who(session int64, o Origin) Who {
	return Who{Kind: a.Kind, ID: a.ID, Merchant: a.Merchant, Role: a.Role, Name: a.Name, Session: session, Device: o.Device, From: o.Address,
		Enrolling: a.Kind == Operator && !a.Strong()}
}

// object is how the trail names the account.
func (a Account) object() string { return Person(a.Kind, a.ID) }

// Person is how the trail and proofs name an account: "staff/12"; ID 0 is one that does not exist yet.
func Person(k Kind, id int64) string {
	if id == 0 {
		return string(k) + "/new"
	}
	return fmt.Sprintf("%s/%d", k, id)
}

// known is what people know of him, which his password must not hold.
func (a Account) known() []string { return []string{a.Login, a.Name, a.Phone, "hawker"} }

// NewAccount is a person to be added.
type NewAccount struct {
	Merchant merchant.ID // 0 for an operator
	Login    string
	Name     string
	Phone    string // may be ""
	Role     Role
}

var (
	loginForm = regexp.MustCompile(`^[a-z0-9][a-z0-9@._+-]{2,63}$`)
	phoneForm = regexp.MustCompile(`^\+?[0-9]{5,15}$`)
)

// check gives the account in good order, or what is wrong with it.
func (n NewAccount) check() (NewAccount, error) {
	n.Login = strings.ToLower(strings.TrimSpace(n.Login))
	n.Name, n.Phone = strings.Join(strings.Fields(n.Name), " "), strings.NewReplacer(" ", "", "-", "").Replace(n.Phone)
	kind := n.kind()
	switch {
	case !loginForm.MatchString(n.Login):
		return n, ErrLogin
	case n.Name == "" || utf8.RuneCountInString(n.Name) > 40:
		return n, ErrName
	case n.Phone != "" && !phoneForm.MatchString(n.Phone):
		return n, ErrPhone
	case roleKinds[n.Role] != kind:
		return n, ErrRole.With("%q for %s", n.Role, kind)
	}
	return n, nil
}

func (n NewAccount) kind() Kind {
	if n.Merchant == 0 {
		return Operator
	}
	return Staff
}

// add stores an account that nobody can sign in to yet.
func (g *Guard) add(ctx context.Context, tx *store.Tx, n NewAccount) (Account, error) {
	n, err := n.check()
	if err != nil {
		return Account{}, err
	}
	now := g.now()
	a := Account{Merchant: n.Merchant, ID: store.NewID(now), Kind: n.kind(), Login: n.Login, Name: n.Name, Phone: n.Phone, Role: n.Role, State: Invited, Created: now}
	taken, err := tx.Exec(ctx, `INSERT INTO account_logins (login, merchant_id, account_id) VALUES ($1, $2, $3) ON CONFLICT (login) DO NOTHING`, a.Login, a.Merchant, a.ID)
	if err != nil {
		return Account{}, fmt.Errorf("add account: %w", err)
	}
	if taken == 0 {
		return Account{}, ErrTaken
	}
	_, err = tx.Exec(ctx, `INSERT INTO accounts (merchant_id, account_id, kind, login, name, phone, role, state, password_hash, password_at, tries, locked_until,
		totp, totp_on, totp_step, pin_hash, pin_tries, pin_locked, created_at, seen_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, '', 0, 0, 0, $9, 0, 0, '', 0, 0, $10, 0)`,
		a.Merchant, a.ID, a.Kind, a.Login, a.Name, a.Phone, a.Role, a.State, []byte{}, store.At(now))
	if err != nil {
		return Account{}, fmt.Errorf("add account: %w", err)
	}
	return a, nil
}

const accountColumns = `SELECT a.merchant_id, a.account_id, a.kind, a.login, a.name, a.phone, a.role, a.state, a.password_hash, a.password_at, a.tries, a.locked_until,
	a.totp, a.totp_on, a.totp_step, a.pin_hash, a.pin_tries, a.pin_locked, a.created_at, a.seen_at,
	(SELECT COUNT(*) FROM passkeys p WHERE p.merchant_id = a.merchant_id AND p.account_id = a.account_id) FROM accounts a `

func scanAccount(scan func(...any) error) (Account, error) {
	var a Account
	var passwordAt, locked, pinLocked, created, seen store.Time
	var on int64
	err := scan(&a.Merchant, &a.ID, &a.Kind, &a.Login, &a.Name, &a.Phone, &a.Role, &a.State, &a.passwordHash, &passwordAt, &a.tries, &locked,
		&a.totp, &on, &a.totpStep, &a.pinHash, &a.pinTries, &pinLocked, &created, &seen, &a.Passkeys)
	if errors.Is(err, sql.ErrNoRows) {
		return Account{}, ErrNoPerson
	} else if err != nil {
		return Account{}, fmt.Errorf("find account: %w", err)
	}
	a.Password, a.TOTP, a.PIN = a.passwordHash != "", on == 1, a.pinHash != ""
	a.PasswordAt, a.Locked, a.PINLocked, a.Created, a.Seen = passwordAt.Time(), locked.Time(), pinLocked.Time(), created.Time(), seen.Time()
	return a, nil
}

// Account finds a person of a merchant (0: an operator); ErrNoPerson when there is none.
func (g *Guard) Account(ctx context.Context, m merchant.ID, id int64) (Account, error) {
	return account(ctx, g.db.Read(), m, id)
}

func account(ctx context.Context, q store.Querier, m merchant.ID, id int64) (Account, error) {
	return scanAccount(q.QueryRow(ctx, accountColumns+`WHERE a.merchant_id = $1 AND a.account_id = $2`, m, id).Scan)
}

// locked is account, and keeps its row from others until the transaction ends.
func locked(ctx context.Context, tx *store.Tx, m merchant.ID, id int64) (Account, error) {
	var n int64
	if err := tx.QueryRow(ctx, `SELECT account_id FROM accounts WHERE merchant_id = $1 AND account_id = $2 FOR UPDATE`, m, id).Scan(&n); errors.Is(err, sql.ErrNoRows) {
		return Account{}, ErrNoPerson
	} else if err != nil {
		return Account{}, fmt.Errorf("find account: %w", err)
	}
	return account(ctx, tx, m, id)
}

// byLogin finds an account by what a person types; ErrNoPerson when there is none.
func byLogin(ctx context.Context, q store.Querier, login string) (Account, error) {
	var m merchant.ID
	var id int64
	err := q.QueryRow(ctx, `SELECT merchant_id, account_id FROM account_logins WHERE login = $1`, strings.ToLower(strings.TrimSpace(login))).Scan(&m, &id)
	if errors.Is(err, sql.ErrNoRows) {
		return Account{}, ErrNoPerson
	} else if err != nil {
		return Account{}, fmt.Errorf("find account: %w", err)
	}
	return account(ctx, q, m, id)
}

// People lists the accounts of a merchant (0: the operators), the oldest first.
func (g *Guard) People(ctx context.Context, m merchant.ID) ([]Account, error) {
	return people(ctx, g.db.Read(), m)
}

func people(ctx context.Context, q store.Querier, m merchant.ID) (list []Account, err error) {
	rows, err := q.Query(ctx, accountColumns+`WHERE a.merchant_id = $1 ORDER BY a.account_id`, m)
	if err != nil {
		return nil, fmt.Errorf("list accounts: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		a, err := scanAccount(rows.Scan)
		if err != nil {
			return nil, err
		}
		list = append(list, a)
	}
	return list, rows.Err()
}
