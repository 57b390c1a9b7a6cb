package geo

import "strings"

// isContinent says whether code is one of GeoNames' seven continents.
func isContinent(code string) bool {
	return isPair(code) && strings.Contains("AF AN AS EU NA OC SA", code)
}

// isPair says whether code could stand in a list of codes with blanks between them.
func isPair(code string) bool {
	return len(code) == 2 && !strings.Contains(code, " ")
}

// continentOf is the continent of a country of ISO 3166-1 (and XK, Kosovo, which
// databases use), as GeoNames and the mmdb files have it: for databases that say
// countries only. It is empty for what is not a country.
func continentOf(country string) string {
	if !isPair(country) {
		return ""
	}
	for _, c := range continents() {
		if strings.Contains(c[1], country) {
			return c[0]
		}
	}
	return ""
}

// Codes are apart by blanks, so that no code is found across two of them.
func continents() [7][2]string {
	return [7][2]string{
		{"AF", "AO BF BI BJ BW CD CF CG CI CM CV DJ DZ EG EH ER ET GA GH GM GN GQ GW KE KM LR LS LY MA MG ML MR MU MW MZ NA NE NG RE RW SC SD SH SL SN SO SS ST SZ TD TG TN TZ UG YT ZA ZM ZW"},
		{"AN", "AQ BV GS HM TF"},
		{"AS", "AE AF AM AZ BD BH BN BT CC CN CX CY GE HK ID IL IN IO IQ IR JO JP KG KH KP KR KW KZ LA LB LK MM MN MO MV MY NP OM PH PK PS QA SA SG SY TH TJ TM TR TW UZ VN YE"},
		{"EU", "AD AL AT AX BA BE BG BY CH CZ DE DK EE ES FI FO FR GB GG GI GR HR HU IE IM IS IT JE LI LT LU LV MC MD ME MK MT NL NO PL PT RO RS RU SE SI SJ SK SM UA VA XK"},
		{"NA", "AG AI AW BB BL BM BQ BS BZ CA CR CU CW DM DO GD GL GP GT HN HT JM KN KY LC MF MQ MS MX NI PA PM PR SV SX TC TT US VC VG VI"},
		{"OC", "AS AU CK FJ FM GU KI MH MP NC NF NR NU NZ PF PG PN PW SB TK TL TO TV UM VU WF WS"},
		{"SA", "AR BO BR CL CO EC FK GF GY PE PY SR UY VE"},
	}
}
