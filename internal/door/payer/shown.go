package payer

import (
	"encoding/json"

	"hawker/internal/money"
)

// item is one line of what the payer was shown before paying.
type item struct {
	Name     string
	Quantity int64
	Amount   money.Amount
}

// maxItems bounds what a page lists.
const maxItems = 200

// shown reads the lines of an order's evidence, which the asker wrote:
// {"items": [{"name": …, "quantity": 2, "amount_minor": 1200}]}. Whatever is not of that
// form is not listed; the evidence itself stays as it is.
func shown(evidence string, c money.Currency) []item {
	var v struct {
		Items []struct {
			Name     string `json:"name"`
			Quantity int64  `json:"quantity"`
			Amount   int64  `json:"amount_minor"`
		} `json:"items"`
	}
	if evidence == "" || json.Unmarshal([]byte(evidence), &v) != nil {
		return nil
	}
	var list []item
	for _, i := range v.Items[:min(len(v.Items), maxItems)] {
		if i.Name != "" && i.Quantity > 0 {
			list = append(list, item{i.Name, i.Quantity, money.New(i.Amount, c)})
		}
	}
	return list
}
