package web

import (
	"encoding/json"

	"hawker/internal/auth"
)

// ProofOf reads what the part "proof" of a form says: how somebody shows again that it is he.
func ProofOf(f *Form) auth.Proof {
	p := auth.Proof{Means: auth.Means(f.Value("proof_means")), Code: f.Value("proof_code"), Ticket: f.Value("proof_ticket")}
	if answer := f.Value("proof_answer"); answer != "" && json.Valid([]byte(answer)) {
		p.Answer = json.RawMessage(answer)
	}
	return p
}
