package schema

import "fmt"

// Distributed are the tables that Citus spreads over nodes by merchant_id; every key
// of theirs begins with it, and one payment touches one merchant's rows only.
var Distributed = []string{"terminals", "fee_plans", "limits", "limit_usage", "ledger_entries", "ledger_postings", "ledger_balances",
	"fee_heads", "fee_consents", "fee_proposals", "fee_notices",
	"merchant_wallets", "contracts", "contract_acknowledgements", "contract_signatures", "training_attempts", "training_certificates", "reviews", "privacy_requests",
	"payments", "payments_apart", "api_keys", "attempts", "orders", "order_numbers", "order_links", "batches", "batch_details", "holds", "chip_answers", "script_notices", "jobs", "cases", "events", "event_heads",
	"device_certificates", "download_lists", "download_rows", "download_marks", "terminal_statuses",
	"audit_trail", "audit_heads", "accounts", "account_passwords", "passkeys", "recovery_codes", "sign_in_policies", "paired_devices",
	"signatures", "signature_parts",
	"webhook_endpoints", "webhook_deliveries", "webhook_tries",
	"shop_items", "item_photos", "cash_shifts", "card_asks", "handovers",
	"stores", "boardings", "terminal_orders"}

// Reference are the small shared tables that Citus copies to every node.
var Reference = []string{"merchants", "terminal_serials", "keys", "key_transcript", "cards", "chip_counters", "nodes", "node_places", "dukpt_readers", "device_authorities",
	"wallet_bills", "wallet_bill_breaks",
	"account_logins", "one_time_links", "challenges", "sessions", "pairings",
	"subject_keys", "subject_holds", "privacy_looks", "privacy_runs",
	"register_imports", "register_entries", "applications", "application_fields", "application_photos", "application_marks", "application_claims", "listed_marks",
	"application_notes", "application_steps", "application_views", "application_consents", "account_checks", "number_series"}

// Citus are the statements that distribute a migrated schema, in order; running them
// again fails, because a table is distributed once.
func Citus() []string {
	var list []string
	for _, t := range Reference {
		list = append(list, fmt.Sprintf("SELECT create_reference_table('%s')", t))
	}
	for i, t := range Distributed {
		with := fmt.Sprintf(", colocate_with => '%s'", Distributed[0])
		if i == 0 {
			with = ""
		}
		list = append(list, fmt.Sprintf("SELECT create_distributed_table('%s', 'merchant_id'%s)", t, with))
	}
	return list
}
