package papers

import (
	"slices"
	"strings"
)

// Division is a region: GB/T 2260, and the four digits by which acquirers and the payment
// system know its place. Those four are general knowledge of the trade: an institution
// confirms them with its clearing body.
type Division struct {
	Code   string // "310000", "440300"
	Area   string // "2900", "5840"
	ZH, EN string
}

// divisions are the provinces, and the cities that have an area of their own.
var divisions = []Division{
	{"110000", "1000", "北京市", "Beijing"}, {"120000", "1100", "天津市", "Tianjin"}, {"130000", "1210", "河北省", "Hebei"}, {"140000", "1610", "山西省", "Shanxi"},
	{"150000", "1910", "内蒙古自治区", "Inner Mongolia"}, {"210000", "2210", "辽宁省", "Liaoning"}, {"210200", "2220", "辽宁省大连市", "Dalian, Liaoning"},
	{"220000", "2410", "吉林省", "Jilin"}, {"230000", "2610", "黑龙江省", "Heilongjiang"}, {"310000", "2900", "上海市", "Shanghai"},
	{"320000", "3010", "江苏省", "Jiangsu"}, {"320500", "3050", "江苏省苏州市", "Suzhou, Jiangsu"}, {"330000", "3310", "浙江省", "Zhejiang"}, {"330200", "3320", "浙江省宁波市", "Ningbo, Zhejiang"},
	{"340000", "3610", "安徽省", "Anhui"}, {"350000", "3910", "福建省", "Fujian"}, {"350200", "3930", "福建省厦门市", "Xiamen, Fujian"}, {"360000", "4210", "江西省", "Jiangxi"},
	{"370000", "4510", "山东省", "Shandong"}, {"370200", "4520", "山东省青岛市", "Qingdao, Shandong"}, {"410000", "4910", "河南省", "Henan"}, {"420000", "5210", "湖北省", "Hubei"},
	{"430000", "5510", "湖南省", "Hunan"}, {"440000", "5810", "广东省", "Guangdong"}, {"440300", "5840", "广东省深圳市", "Shenzhen, Guangdong"}, {"450000", "6110", "广西壮族自治区", "Guangxi"},
	{"460000", "6410", "海南省", "Hainan"}, {"500000", "6530", "重庆市", "Chongqing"}, {"510000", "6510", "四川省", "Sichuan"}, {"520000", "7010", "贵州省", "Guizhou"},
	{"530000", "7310", "云南省", "Yunnan"}, {"540000", "7700", "西藏自治区", "Tibet"}, {"610000", "7910", "陕西省", "Shaanxi"}, {"620000", "8210", "甘肃省", "Gansu"},
	{"630000", "8510", "青海省", "Qinghai"}, {"640000", "8710", "宁夏回族自治区", "Ningxia"}, {"650000", "8810", "新疆维吾尔自治区", "Xinjiang"},
	{"710000", "8900", "台湾省", "Taiwan"}, {"810000", "8910", "香港特别行政区", "Hong Kong"}, {"820000", "8920", "澳门特别行政区", "Macao"},
}

// provinces are the first two digits that there are.
var provinces = func() map[string]Division {
	m := map[string]Division{}
	for _, d := range slices.Backward(divisions) {
		m[d.Code[:2]] = d
	}
	m["83"] = m["71"] // residence permits of people from Taiwan, Macao and Hong Kong
	return m
}()

// Divisions lists the regions that an applicant may choose.
func Divisions() []Division { return slices.Clone(divisions) }

// DivisionOf finds the division of a region's six digits: its city's, or else its province's.
func DivisionOf(region string) (Division, error) {
	if len(region) == 6 && digits(region) {
		for _, code := range []string{region[:4] + "00", region[:2] + "0000"} {
			if i := slices.IndexFunc(divisions, func(d Division) bool { return d.Code == code }); i >= 0 {
				return divisions[i], nil
			}
		}
	}
	return Division{}, ErrRegion.With("%.10q", region)
}

// SameProvince reports whether a bank's branch, by its number, lies in a region's province.
// Areas of one province share their first digits; true when that cannot be told.
func SameProvince(bank, region string) bool {
	d, err := DivisionOf(region)
	if err != nil || len(bank) != 12 {
		return true
	}
	area := bank[3:7]
	for _, other := range divisions {
		if other.Area == area {
			return other.Code[:2] == d.Code[:2]
		}
	}
	return strings.HasPrefix(area, d.Area[:1]) // most provinces' areas begin alike
}
