package schema_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"hawker/internal/schema"
)

func TestCitusDistributesEveryTableByMerchantOrCopiesIt(t *testing.T) {
	t.Parallel()
	const want = `SELECT create_reference_table('merchants')
SELECT create_reference_table('terminal_serials')
SELECT create_reference_table('keys')
SELECT create_reference_table('key_transcript')
SELECT create_reference_table('cards')
SELECT create_reference_table('chip_counters')
SELECT create_reference_table('nodes')
SELECT create_reference_table('node_places')
SELECT create_reference_table('dukpt_readers')
SELECT create_reference_table('device_authorities')
SELECT create_reference_table('wallet_bills')
SELECT create_reference_table('wallet_bill_breaks')
SELECT create_reference_table('account_logins')
SELECT create_reference_table('one_time_links')
SELECT create_reference_table('challenges')
SELECT create_reference_table('sessions')
SELECT create_reference_table('pairings')
SELECT create_reference_table('subject_keys')
SELECT create_reference_table('subject_holds')
SELECT create_reference_table('privacy_looks')
SELECT create_reference_table('privacy_runs')
SELECT create_reference_table('register_imports')
SELECT create_reference_table('register_entries')
SELECT create_reference_table('applications')
SELECT create_reference_table('application_fields')
SELECT create_reference_table('application_photos')
SELECT create_reference_table('application_marks')
SELECT create_reference_table('application_claims')
SELECT create_reference_table('listed_marks')
SELECT create_reference_table('application_notes')
SELECT create_reference_table('application_steps')
SELECT create_reference_table('application_views')
SELECT create_reference_table('application_consents')
SELECT create_reference_table('account_checks')
SELECT create_reference_table('number_series')
SELECT create_distributed_table('terminals', 'merchant_id')
SELECT create_distributed_table('fee_plans', 'merchant_id', colocate_with => 'terminals')
SELECT create_distributed_table('limits', 'merchant_id', colocate_with => 'terminals')
SELECT create_distributed_table('limit_usage', 'merchant_id', colocate_with => 'terminals')
SELECT create_distributed_table('ledger_entries', 'merchant_id', colocate_with => 'terminals')
SELECT create_distributed_table('ledger_postings', 'merchant_id', colocate_with => 'terminals')
SELECT create_distributed_table('ledger_balances', 'merchant_id', colocate_with => 'terminals')
SELECT create_distributed_table('fee_heads', 'merchant_id', colocate_with => 'terminals')
SELECT create_distributed_table('fee_consents', 'merchant_id', colocate_with => 'terminals')
SELECT create_distributed_table('fee_proposals', 'merchant_id', colocate_with => 'terminals')
SELECT create_distributed_table('fee_notices', 'merchant_id', colocate_with => 'terminals')
SELECT create_distributed_table('merchant_wallets', 'merchant_id', colocate_with => 'terminals')
SELECT create_distributed_table('contracts', 'merchant_id', colocate_with => 'terminals')
SELECT create_distributed_table('contract_acknowledgements', 'merchant_id', colocate_with => 'terminals')
SELECT create_distributed_table('contract_signatures', 'merchant_id', colocate_with => 'terminals')
SELECT create_distributed_table('training_attempts', 'merchant_id', colocate_with => 'terminals')
SELECT create_distributed_table('training_certificates', 'merchant_id', colocate_with => 'terminals')
SELECT create_distributed_table('reviews', 'merchant_id', colocate_with => 'terminals')
SELECT create_distributed_table('privacy_requests', 'merchant_id', colocate_with => 'terminals')
SELECT create_distributed_table('payments', 'merchant_id', colocate_with => 'terminals')
SELECT create_distributed_table('payments_apart', 'merchant_id', colocate_with => 'terminals')
SELECT create_distributed_table('api_keys', 'merchant_id', colocate_with => 'terminals')
SELECT create_distributed_table('attempts', 'merchant_id', colocate_with => 'terminals')
SELECT create_distributed_table('orders', 'merchant_id', colocate_with => 'terminals')
SELECT create_distributed_table('order_numbers', 'merchant_id', colocate_with => 'terminals')
SELECT create_distributed_table('order_links', 'merchant_id', colocate_with => 'terminals')
SELECT create_distributed_table('batches', 'merchant_id', colocate_with => 'terminals')
SELECT create_distributed_table('batch_details', 'merchant_id', colocate_with => 'terminals')
SELECT create_distributed_table('holds', 'merchant_id', colocate_with => 'terminals')
SELECT create_distributed_table('chip_answers', 'merchant_id', colocate_with => 'terminals')
SELECT create_distributed_table('script_notices', 'merchant_id', colocate_with => 'terminals')
SELECT create_distributed_table('jobs', 'merchant_id', colocate_with => 'terminals')
SELECT create_distributed_table('cases', 'merchant_id', colocate_with => 'terminals')
SELECT create_distributed_table('events', 'merchant_id', colocate_with => 'terminals')
SELECT create_distributed_table('event_heads', 'merchant_id', colocate_with => 'terminals')
SELECT create_distributed_table('device_certificates', 'merchant_id', colocate_with => 'terminals')
SELECT create_distributed_table('download_lists', 'merchant_id', colocate_with => 'terminals')
SELECT create_distributed_table('download_rows', 'merchant_id', colocate_with => 'terminals')
SELECT create_distributed_table('download_marks', 'merchant_id', colocate_with => 'terminals')
SELECT create_distributed_table('terminal_statuses', 'merchant_id', colocate_with => 'terminals')
SELECT create_distributed_table('audit_trail', 'merchant_id', colocate_with => 'terminals')
SELECT create_distributed_table('audit_heads', 'merchant_id', colocate_with => 'terminals')
SELECT create_distributed_table('accounts', 'merchant_id', colocate_with => 'terminals')
SELECT create_distributed_table('account_passwords', 'merchant_id', colocate_with => 'terminals')
SELECT create_distributed_table('passkeys', 'merchant_id', colocate_with => 'terminals')
SELECT create_distributed_table('recovery_codes', 'merchant_id', colocate_with => 'terminals')
SELECT create_distributed_table('sign_in_policies', 'merchant_id', colocate_with => 'terminals')
SELECT create_distributed_table('paired_devices', 'merchant_id', colocate_with => 'terminals')
SELECT create_distributed_table('signatures', 'merchant_id', colocate_with => 'terminals')
SELECT create_distributed_table('signature_parts', 'merchant_id', colocate_with => 'terminals')
SELECT create_distributed_table('webhook_endpoints', 'merchant_id', colocate_with => 'terminals')
SELECT create_distributed_table('webhook_deliveries', 'merchant_id', colocate_with => 'terminals')
SELECT create_distributed_table('webhook_tries', 'merchant_id', colocate_with => 'terminals')
SELECT create_distributed_table('shop_items', 'merchant_id', colocate_with => 'terminals')
SELECT create_distributed_table('item_photos', 'merchant_id', colocate_with => 'terminals')
SELECT create_distributed_table('cash_shifts', 'merchant_id', colocate_with => 'terminals')
SELECT create_distributed_table('card_asks', 'merchant_id', colocate_with => 'terminals')
SELECT create_distributed_table('handovers', 'merchant_id', colocate_with => 'terminals')
SELECT create_distributed_table('stores', 'merchant_id', colocate_with => 'terminals')
SELECT create_distributed_table('boardings', 'merchant_id', colocate_with => 'terminals')
SELECT create_distributed_table('terminal_orders', 'merchant_id', colocate_with => 'terminals')`
	if got := strings.Join(schema.Citus(), "\n"); got != want {
		t.Errorf("got\n%s", got)
	}
	var made []string
	names, err := schema.Files.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		text, err := schema.Files.ReadFile(n.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`CREATE TABLE (\w+)`).FindAllSubmatch(text, -1) {
			made = append(made, string(m[1]))
		}
	}
	known := slices.Sorted(slices.Values(append(slices.Clone(schema.Distributed), schema.Reference...)))
	slices.Sort(made)
	if !slices.Equal(made, known) {
		t.Errorf("the migrations make %v, Citus is told of %v", made, known)
	}
}
