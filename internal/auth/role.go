package auth

import "slices"

// Role is what a person is employed for, or how far a device is trusted.
type Role string

// The roles of a merchant's staff.
const (
	Owner      Role = "owner"
	Manager    Role = "manager"
	Cashier    Role = "cashier"
	Accountant Role = "accountant"
)

// The roles of operators.
const (
	Reviewer Role = "reviewer"
	Risk     Role = "risk"
	Finance  Role = "finance"
	Support  Role = "support"
	Admin    Role = "admin"
	Auditor  Role = "auditor"
)

// The roles of a paired device at which nobody has signed in. A Locked one waits for a cashier's PIN.
const (
	Till   Role = "till"
	Locked Role = "locked"
)

// Scope is a bundle of actions that an API key was made for.
type Scope string

// The scopes.
const (
	ScopePaymentsRead  Scope = "payments:read"
	ScopePaymentsWrite Scope = "payments:write"
	ScopeRefundsWrite  Scope = "refunds:write"
	ScopeShopRead      Scope = "shop:read"
	ScopeShopWrite     Scope = "shop:write"
	ScopeWebhooks      Scope = "webhooks:write"
	ScopeReports       Scope = "reports:read"
)

// roleKinds says whose a role is.
var roleKinds = map[Role]Kind{
	Owner: Staff, Manager: Staff, Cashier: Staff, Accountant: Staff,
	Reviewer: Operator, Risk: Operator, Finance: Operator, Support: Operator, Admin: Operator, Auditor: Operator,
	Till: Device, Locked: Device,
}

// self is what everybody with an account may: see and change how he proves himself, and learn.
var self = []Action{SelfRead, SelfWrite}

// selling is what stands at the counter.
var selling = []Action{PaymentTake, PaymentRead, PaymentCancel, CashCount, ReceiptRead, ReceiptSend, ShopRead}

// looking is what a reader of the institution's books may see.
var looking = []Action{ConsoleRead, PaymentRead, ReceiptRead, ReportRead, SettlementRead, PayoutRead, FeeRead, MerchantRead, TerminalRead, RegisterRead,
	CaseRead, TicketRead, DisputeRead, FeedbackRead, TrainingRead, ContractRead, ApplicationRead}

// may holds every action a role may do. What is absent is refused.
var may = map[Role][]Action{
	Owner: slices.Concat(self, selling, []Action{PaymentRefund, PaymentExport, ReportRead, SettlementRead, PayoutRead, AccountWrite, FeeRead, FeeConsent,
		ShopWrite, StaffRead, StaffWrite, DeviceRead, DeviceWrite, KeyRead, KeyWrite, WebhookRead, WebhookWrite, SettingsRead, SettingsWrite,
		ApplicationRead, ApplicationWrite, ContractRead, ContractSign, TrainingRead, TrainingTake, FeedbackRead, FeedbackWrite, PrivacyRead, PrivacyWrite,
		TicketRead, TicketWrite, DisputeRead, DisputeWrite, TerminalRead, AuditRead}),
	Manager: slices.Concat(self, selling, []Action{PaymentRefund, PaymentExport, ReportRead, SettlementRead, PayoutRead, FeeRead,
		ShopWrite, StaffRead, DeviceRead, DeviceWrite, SettingsRead, TrainingRead, TrainingTake, FeedbackRead, FeedbackWrite,
		TicketRead, TicketWrite, DisputeRead, DisputeWrite, TerminalRead}),
	Cashier: slices.Concat(self, selling, []Action{PaymentRefund, TrainingRead, TrainingTake, FeedbackWrite}),
	Accountant: slices.Concat(self, []Action{PaymentRead, PaymentExport, ReceiptRead, ReportRead, SettlementRead, PayoutRead, FeeRead, ContractRead,
		ShopRead, DisputeRead, TrainingRead, TrainingTake}),

	Reviewer: slices.Concat(self, []Action{ConsoleRead, ReviewRead, ReviewDecide, DocumentRead, ApplicationRead, ContractRead, MerchantRead, TerminalRead,
		RegisterRead, FeeRead, FeePropose, FeedbackRead}),
	Risk: slices.Concat(self, []Action{ConsoleRead, PaymentRead, ReceiptRead, ReportRead, MerchantRead, MerchantWrite, TerminalRead, TerminalWrite, RiskRead, RiskWrite,
		CaseRead, CaseWrite, DisputeRead, DocumentRead, ApplicationRead, RegisterRead}),
	Finance: slices.Concat(self, []Action{ConsoleRead, PaymentRead, PaymentExport, ReceiptRead, ReportRead, SettlementRead, SettlementRun, PayoutRead, PayoutWrite,
		FeeRead, FeePropose, FeeApprove, LedgerRead, CaseRead, CaseWrite, DisputeRead, DisputeWrite, MerchantRead, ContractRead, RegisterRead}),
	Support: slices.Concat(self, []Action{ConsoleRead, PaymentRead, ReceiptRead, MerchantRead, TerminalRead, TerminalWrite, TicketRead, TicketWrite,
		CaseRead, DisputeRead, FeedbackRead, FeedbackAnswer, RegisterRead, TrainingRead}),
	Admin: slices.Concat(self, []Action{ConsoleRead, OperatorRead, OperatorWrite, MerchantRead, MerchantWrite, TerminalRead, TerminalWrite,
		RegisterRead, RegisterWrite, ContractRead, ContractWrite, FeeRead, FeeApprove, TrainingRead, TrainingWrite, FeedbackRead, FeedbackAnswer,
		PrivacyManage, ReviewRead, ApplicationRead, CaseRead, SettingsRead, SettingsWrite, AuditRead}),
	Auditor: slices.Concat(self, looking, []Action{PaymentExport, ReviewRead, RiskRead, LedgerRead, OperatorRead, AuditRead}),

	Till:   slices.Concat(selling, []Action{DeviceUse}),
	Locked: {DeviceUse},
}

// scoped holds every action a scope opens for a key.
var scoped = map[Scope][]Action{
	ScopePaymentsRead:  {PaymentRead, ReceiptRead},
	ScopePaymentsWrite: {PaymentRead, PaymentTake, PaymentCancel, ReceiptRead, ReceiptSend},
	ScopeRefundsWrite:  {PaymentRead, PaymentRefund},
	ScopeShopRead:      {ShopRead},
	ScopeShopWrite:     {ShopRead, ShopWrite},
	ScopeWebhooks:      {WebhookRead, WebhookWrite},
	ScopeReports:       {PaymentRead, PaymentExport, ReportRead, SettlementRead, PayoutRead},
}

// Roles are the roles of a kind, the mightiest first; none for keys.
func Roles(k Kind) []Role {
	switch k {
	case Staff:
		return []Role{Owner, Manager, Cashier, Accountant}
	case Operator:
		return []Role{Admin, Reviewer, Risk, Finance, Support, Auditor}
	case Device:
		return []Role{Till, Locked}
	}
	return nil
}

// Scopes are all there are.
func Scopes() []Scope {
	return []Scope{ScopePaymentsRead, ScopePaymentsWrite, ScopeRefundsWrite, ScopeShopRead, ScopeShopWrite, ScopeWebhooks, ScopeReports}
}

// Allows reports whether somebody may do an action at all; whose things he may do it
// to, Owns tells. A role that is not of his kind, and a merchant's party without a
// merchant, may nothing.
func Allows(who Who, action Action) bool {
	if (who.Kind == Operator) != (who.Merchant == 0) {
		return false
	}
	if who.Enrolling {
		return action == SelfRead || action == SelfWrite
	}
	if who.Kind == Key {
		return slices.ContainsFunc(who.Scopes, func(s Scope) bool { return slices.Contains(scoped[s], action) })
	}
	if who.Device != 0 && who.Kind == Staff && action == DeviceUse {
		return true // a cashier at a device hands it to the next
	}
	return roleKinds[who.Role] == who.Kind && who.Kind != "" && slices.Contains(may[who.Role], action)
}
