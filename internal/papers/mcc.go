package papers

import (
	"slices"
	"strings"
)

// Category is a merchant category (ISO 18245) that can be applied for.
type Category struct {
	MCC     string
	ZH, EN  string
	Words   []string // that a description of such a business has
	Risk    int      // points towards a careful review
	Refused bool     // not boarded at all
}

// categories are those of small businesses; what is Refused is named, so that whoever
// describes it is found.
var categories = []Category{
	{MCC: "5812", ZH: "餐馆、小吃", EN: "Eating places", Words: []string{"面", "饭", "餐", "小吃", "烧烤", "火锅", "早点", "粉", "饺", "noodle", "rice", "food", "restaurant", "eat", "snack"}},
	{MCC: "5814", ZH: "快餐、饮品", EN: "Fast food, drinks", Words: []string{"快餐", "奶茶", "咖啡", "饮", "汉堡", "煎饼", "coffee", "tea", "burger", "drink", "snack"}},
	{MCC: "5462", ZH: "面包糕点", EN: "Bakeries", Words: []string{"面包", "蛋糕", "糕点", "烘焙", "bread", "cake", "bake"}},
	{MCC: "5411", ZH: "超市、食杂店", EN: "Grocery stores", Words: []string{"超市", "便利", "食杂", "副食", "杂货", "grocery", "market", "convenience"}},
	{MCC: "5422", ZH: "肉类水产", EN: "Meat and fish", Words: []string{"肉", "鱼", "水产", "海鲜", "meat", "fish"}},
	{MCC: "5499", ZH: "蔬菜水果、特产", EN: "Vegetables, fruit", Words: []string{"菜", "果", "特产", "粮", "茶叶", "vegetable", "fruit"}},
	{MCC: "5651", ZH: "服装", EN: "Clothing", Words: []string{"服装", "衣", "鞋", "帽", "cloth", "shoe", "dress"}},
	{MCC: "5331", ZH: "日用百货", EN: "Variety stores", Words: []string{"百货", "日用", "小商品", "文具", "玩具", "goods", "toy", "gift"}},
	{MCC: "5251", ZH: "五金", EN: "Hardware", Words: []string{"五金", "工具", "建材", "hardware", "tool"}},
	{MCC: "5912", ZH: "药店", EN: "Pharmacies", Words: []string{"药", "医疗", "pharm", "medicine", "drug"}, Risk: 5},
	{MCC: "5992", ZH: "花店", EN: "Florists", Words: []string{"花", "绿植", "flower", "plant"}},
	{MCC: "5942", ZH: "书店", EN: "Book stores", Words: []string{"书", "book"}},
	{MCC: "5732", ZH: "电器、手机", EN: "Electronics", Words: []string{"手机", "电器", "电子", "数码", "phone", "electronic"}, Risk: 10},
	{MCC: "5944", ZH: "珠宝首饰", EN: "Jewellery", Words: []string{"珠宝", "黄金", "首饰", "玉", "jewel", "gold"}, Risk: 25},
	{MCC: "4121", ZH: "出租车、代驾", EN: "Taxis", Words: []string{"出租", "代驾", "接送", "taxi", "driv"}},
	{MCC: "4215", ZH: "快递、跑腿", EN: "Couriers", Words: []string{"快递", "跑腿", "送货", "配送", "courier", "deliver"}},
	{MCC: "4214", ZH: "搬家、货运", EN: "Moving and freight", Words: []string{"搬家", "货运", "运输", "move", "freight"}},
	{MCC: "7210", ZH: "洗衣", EN: "Laundry", Words: []string{"洗衣", "干洗", "laundry", "wash"}},
	{MCC: "7230", ZH: "理发美容", EN: "Hair and beauty", Words: []string{"理发", "美发", "美容", "美甲", "hair", "beauty", "nail"}},
	{MCC: "7299", ZH: "家政、上门服务", EN: "Personal services", Words: []string{"家政", "保洁", "保姆", "月嫂", "上门", "clean", "home", "service"}},
	{MCC: "7622", ZH: "家电维修", EN: "Appliance repair", Words: []string{"维修", "修理", "家电", "repair", "fix"}},
	{MCC: "7538", ZH: "汽车、电动车维修", EN: "Vehicle repair", Words: []string{"修车", "汽修", "电动车", "轮胎", "洗车", "car", "bike", "repair", "tyre"}},
	{MCC: "7221", ZH: "摄影", EN: "Photographers", Words: []string{"摄影", "照相", "photo"}},
	{MCC: "8299", ZH: "培训", EN: "Lessons", Words: []string{"培训", "辅导", "课", "lesson", "train", "teach"}, Risk: 10},
	{MCC: "7011", ZH: "民宿、旅馆", EN: "Lodging", Words: []string{"民宿", "旅馆", "住宿", "酒店", "hotel", "inn", "lodg"}, Risk: 10},
	{MCC: "5960", ZH: "保险直销", EN: "Insurance", Words: []string{"保险", "insur"}, Refused: true},
	{MCC: "6051", ZH: "外汇、虚拟货币", EN: "Money exchange, crypto", Words: []string{"外汇", "换汇", "虚拟货币", "比特币", "usdt", "crypto", "bitcoin"}, Refused: true},
	{MCC: "6211", ZH: "证券、理财、贷款", EN: "Securities, lending", Words: []string{"证券", "理财", "贷款", "网贷", "loan", "invest"}, Refused: true},
	{MCC: "7995", ZH: "博彩、彩票", EN: "Gambling", Words: []string{"彩票", "博彩", "赌", "棋牌", "lottery", "gambl", "bet"}, Refused: true},
	{MCC: "5966", ZH: "代还、套现、养卡", EN: "Cash-out services", Words: []string{"套现", "代还", "养卡", "提额", "刷流水", "cash out"}, Refused: true},
}

// Categories lists what can be applied for.
func Categories() []Category {
	return slices.DeleteFunc(slices.Clone(categories), func(c Category) bool { return c.Refused })
}

// ParseMCC reads a category that can be applied for: ErrMCC when there is none, ErrMCCNo when it is not boarded.
func ParseMCC(s string) (Category, error) {
	s = Compact(s)
	i := slices.IndexFunc(categories, func(c Category) bool { return c.MCC == s })
	switch {
	case i < 0:
		return Category{}, ErrMCC.With("%.10q", s)
	case categories[i].Refused:
		return Category{}, ErrMCCNo.With("%s", s)
	}
	return categories[i], nil
}

// Describes holds a category against what a business says of itself: whether it fits, and
// which category it rather sounds like. A description that says nothing we know fits.
func (c Category) Describes(text string) (fits bool, rather Category) {
	text = strings.ToLower(Clean(text))
	has := func(c Category) bool {
		return slices.ContainsFunc(c.Words, func(w string) bool { return strings.Contains(text, w) })
	}
	for _, other := range categories { // what is refused counts before all
		if other.Refused && has(other) {
			return false, other
		}
	}
	if has(c) {
		return true, c
	}
	for _, other := range categories {
		if has(other) {
			return false, other
		}
	}
	return true, c
}
