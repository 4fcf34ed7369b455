package pos

// verdict is what an answer to a financial request is worth.
type verdict struct {
	state  State
	reason string // F39 of the reversal that must follow; "" for none
	code   string // to show
	signOn bool
	why    string // for the trace
}

// Reasons for a reversal: F39 of a 0400.
const (
	reasonSilent = "98"
	reasonMAC    = "A0"
	reasonOther  = "06"
)

// unauthenticated are the codes that a host may give without a MAC, because it
// had no key for one.
var unauthenticated = map[string]bool{"A0": true, "97": true}

// judge decides by one rule: only an answer that proves where it comes from can
// say that money moved, or that it did not. A refusal without proof is shown as
// the refusal it most likely is, but the reversal goes out all the same.
func judge(a *answer) verdict {
	code := a.code()
	m := meaningOf(code)
	switch {
	case a.mac == macWrong:
		return verdict{Unknown, reasonMAC, "A0", true, "the answer's MAC is wrong"}
	case a.mac == macAbsent && unauthenticated[code]:
		return verdict{Declined, reasonOther, code, m.signOn, "refused without a MAC: reversed to be certain"}
	case a.mac == macAbsent:
		return verdict{Unknown, reasonMAC, "A0", false, "the answer has no MAC"}
	case code == "":
		return verdict{Unknown, reasonOther, "", a.signOn, "the answer has no response code"}
	}
	v := verdict{code: code, signOn: a.signOn || m.signOn, why: "code " + code + ": " + m.text.EN}
	switch m.effect {
	case approve:
		v.state = Approved
	case doubt:
		v.state, v.reason = Unknown, reasonSilent
		if code == partialCode {
			v.reason = reasonOther
		}
	default:
		v.state = Declined
	}
	return v
}

const partialCode = "10"
