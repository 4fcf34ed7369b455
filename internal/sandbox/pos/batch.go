package pos

import (
	"slices"
)

// row finds a transaction, whether or not its batch is closed; nil when there is none.
func (s *state) row(batch, trace int) *Transaction {
	for _, rows := range s.batches() {
		if tx := find(rows, trace); tx != nil && tx.Batch == batch {
			return tx
		}
	}
	return nil
}

// batches is the rows of the current and the closed batches, newest first.
func (s *state) batches() [][]Transaction {
	all := [][]Transaction{s.Rows}
	for _, c := range slices.Backward(s.Closed) {
		all = append(all, c.Rows)
	}
	return all
}

// remembered finds the newest transaction with a trace, whatever its batch; nil when there is none.
func (s *state) remembered(trace int) *Transaction {
	for _, rows := range s.batches() {
		if tx := find(rows, trace); tx != nil {
			return tx
		}
	}
	return nil
}

func find(rows []Transaction, trace int) *Transaction {
	for i := range rows {
		if rows[i].Trace == trace {
			return &rows[i]
		}
	}
	return nil
}

// openBatch begins a batch and keeps the old one.
func (s *state) openBatch(batch int, lost bool) {
	if len(s.Rows) > 0 {
		s.Closed = append(s.Closed, closedBatch{Batch: s.Batch, Rows: s.Rows, Lost: lost})
		s.Closed = s.Closed[max(0, len(s.Closed)-keptBatches):]
	}
	s.Batch, s.Rows = batch, nil
}
