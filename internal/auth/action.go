package auth

// Action is something that may be allowed: "payment.refund". Each route names one.
type Action string

// The actions, by what they are about. Those on one's own account are everybody's.
const (
	SelfRead  Action = "self.read"  // see one's own sessions and means of proof
	SelfWrite Action = "self.write" // change them

	PaymentRead   Action = "payment.read"
	PaymentTake   Action = "payment.take"
	PaymentCancel Action = "payment.cancel" // also void
	PaymentRefund Action = "payment.refund"
	PaymentExport Action = "payment.export"
	CashCount     Action = "cash.count" // open and close a shift
	ReceiptRead   Action = "receipt.read"
	ReceiptSend   Action = "receipt.send"
	ReportRead    Action = "report.read"

	SettlementRead Action = "settlement.read"
	SettlementRun  Action = "settlement.run"
	PayoutRead     Action = "payout.read"
	PayoutWrite    Action = "payout.write"  // release, hold, pay again
	AccountWrite   Action = "account.write" // the payout account
	FeeRead        Action = "fee.read"
	FeeConsent     Action = "fee.consent"
	FeePropose     Action = "fee.propose"
	FeeApprove     Action = "fee.approve"

	ShopRead      Action = "shop.read"
	ShopWrite     Action = "shop.write"
	StaffRead     Action = "staff.read"
	StaffWrite    Action = "staff.write"
	DeviceRead    Action = "device.read"
	DeviceWrite   Action = "device.write"
	DeviceUse     Action = "device.use" // see who may sign in at a paired device, and sign in by PIN
	KeyRead       Action = "key.read"
	KeyWrite      Action = "key.write"
	WebhookRead   Action = "webhook.read"
	WebhookWrite  Action = "webhook.write"
	SettingsRead  Action = "settings.read"
	SettingsWrite Action = "settings.write"

	ApplicationRead  Action = "application.read"
	ApplicationWrite Action = "application.write"
	ContractRead     Action = "contract.read"
	ContractSign     Action = "contract.sign"
	ContractWrite    Action = "contract.write" // templates and versions
	TrainingRead     Action = "training.read"
	TrainingTake     Action = "training.take"
	TrainingWrite    Action = "training.write"
	FeedbackRead     Action = "feedback.read"
	FeedbackWrite    Action = "feedback.write"
	FeedbackAnswer   Action = "feedback.answer"
	PrivacyRead      Action = "privacy.read"
	PrivacyWrite     Action = "privacy.write"  // consents given and taken back, export asked for
	PrivacyManage    Action = "privacy.manage" // purposes, retention, erasure

	ReviewRead    Action = "review.read"
	ReviewDecide  Action = "review.decide"
	DocumentRead  Action = "document.read" // applicants' papers
	RegisterRead  Action = "register.read"
	RegisterWrite Action = "register.write"
	MerchantRead  Action = "merchant.read"
	MerchantWrite Action = "merchant.write" // also suspend
	TerminalRead  Action = "terminal.read"
	TerminalWrite Action = "terminal.write"
	RiskRead      Action = "risk.read"
	RiskWrite     Action = "risk.write"
	CaseRead      Action = "case.read"
	CaseWrite     Action = "case.write"
	TicketRead    Action = "ticket.read"
	TicketWrite   Action = "ticket.write"
	DisputeRead   Action = "dispute.read"
	DisputeWrite  Action = "dispute.write"
	LedgerRead    Action = "ledger.read"
	OperatorRead  Action = "operator.read"
	OperatorWrite Action = "operator.write"
	AuditRead     Action = "audit.read"
	ConsoleRead   Action = "console.read" // open the operators' console at all
)

// Actions are all there are, in the order of the list above.
func Actions() []Action {
	return []Action{SelfRead, SelfWrite,
		PaymentRead, PaymentTake, PaymentCancel, PaymentRefund, PaymentExport, CashCount, ReceiptRead, ReceiptSend, ReportRead,
		SettlementRead, SettlementRun, PayoutRead, PayoutWrite, AccountWrite, FeeRead, FeeConsent, FeePropose, FeeApprove,
		ShopRead, ShopWrite, StaffRead, StaffWrite, DeviceRead, DeviceWrite, DeviceUse, KeyRead, KeyWrite, WebhookRead, WebhookWrite, SettingsRead, SettingsWrite,
		ApplicationRead, ApplicationWrite, ContractRead, ContractSign, ContractWrite, TrainingRead, TrainingTake, TrainingWrite,
		FeedbackRead, FeedbackWrite, FeedbackAnswer, PrivacyRead, PrivacyWrite, PrivacyManage,
		ReviewRead, ReviewDecide, DocumentRead, RegisterRead, RegisterWrite, MerchantRead, MerchantWrite, TerminalRead, TerminalWrite,
		RiskRead, RiskWrite, CaseRead, CaseWrite, TicketRead, TicketWrite, DisputeRead, DisputeWrite, LedgerRead, OperatorRead, OperatorWrite, AuditRead, ConsoleRead}
}
