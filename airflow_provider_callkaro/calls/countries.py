"""Which country a phone number belongs to, by its first digits, without any library.

Source: the list of E.164 country codes (ITU), and the area codes of the countries that share one. The tests check the
table against `phonenumbers`; it is kept here so that what may be rung does not depend on what is installed. Where
countries share a code and their numbers do not differ, such as mobiles of Saint Martin, the largest of them counts for
all. Numbers of no country (satellites, international services, and toll-free, premium and personal numbers of North
America) have none, and neither has a number that begins like North America's and has another shape.
"""

from __future__ import annotations


def _pairs(text: str) -> dict[str, str]:
    return dict(pair.split(":") for pair in text.split())


_MAIN = _pairs(
    "1:US 7:RU 20:EG 27:ZA 30:GR 31:NL 32:BE 33:FR 34:ES 36:HU 39:IT 40:RO 41:CH 43:AT 44:GB 45:DK 46:SE 47:NO "
    "48:PL 49:DE 51:PE 52:MX 53:CU 54:AR 55:BR 56:CL 57:CO 58:VE 60:MY 61:AU 62:ID 63:PH 64:NZ 65:SG 66:TH 81:JP "
    "82:KR 84:VN 86:CN 90:TR 91:IN 92:PK 93:AF 94:LK 95:MM 98:IR 211:SS 212:MA 213:DZ 216:TN 218:LY 220:GM 221:SN "
    "222:MR 223:ML 224:GN 225:CI 226:BF 227:NE 228:TG 229:BJ 230:MU 231:LR 232:SL 233:GH 234:NG 235:TD 236:CF "
    "237:CM 238:CV 239:ST 240:GQ 241:GA 242:CG 243:CD 244:AO 245:GW 246:IO 247:AC 248:SC 249:SD 250:RW 251:ET "
    "252:SO 253:DJ 254:KE 255:TZ 256:UG 257:BI 258:MZ 260:ZM 261:MG 262:RE 263:ZW 264:NA 265:MW 266:LS 267:BW "
    "268:SZ 269:KM 290:SH 291:ER 297:AW 298:FO 299:GL 350:GI 351:PT 352:LU 353:IE 354:IS 355:AL 356:MT 357:CY "
    "358:FI 359:BG 370:LT 371:LV 372:EE 373:MD 374:AM 375:BY 376:AD 377:MC 378:SM 380:UA 381:RS 382:ME 383:XK "
    "385:HR 386:SI 387:BA 389:MK 420:CZ 421:SK 423:LI 500:FK 501:BZ 502:GT 503:SV 504:HN 505:NI 506:CR 507:PA "
    "508:PM 509:HT 590:GP 591:BO 592:GY 593:EC 594:GF 595:PY 596:MQ 597:SR 598:UY 599:CW 670:TL 672:NF 673:BN "
    "674:NR 675:PG 676:TO 677:SB 678:VU 679:FJ 680:PW 681:WF 682:CK 683:NU 685:WS 686:KI 687:NC 688:TV 689:PF "
    "690:TK 691:FM 692:MH 850:KP 852:HK 853:MO 855:KH 856:LA 880:BD 886:TW 960:MV 961:LB 962:JO 963:SY 964:IQ "
    "965:KW 966:SA 967:YE 968:OM 970:PS 971:AE 972:IL 973:BH 974:QA 975:BT 976:MN 977:NP 992:TJ 993:TM 994:AZ "
    "995:GE 996:KG 998:UZ"
)
"""The country of each code, or the largest of those that share it."""

_NORTH_AMERICA, _NORTH_AMERICAN = "1", 12  # its code, and how long its numbers are in E.164
_NO_COUNTRY = ""  # in the place of a country
_WITHIN = {
    prefix: country
    for country, prefixes in {
        "AG": "1268",
        "AI": "1264",
        "AS": "1684",
        "AX": "35818",
        "BB": "1246",
        "BM": "1441",
        "BQ": "5993 5994 5997",
        "BS": "1242",
        "CA": (
            "1204 1226 1236 1249 1250 1257 1263 1273 1289 1306 1343 1354 1365 1367 1368 1382 1403 1416 1418 1428 1431 "
            "1437 1438 1450 1468 1474 1506 1514 1519 1548 1579 1581 1584 1587 1604 1613 1639 1647 1672 1683 1705 1709 "
            "1742 1753 1778 1780 1782 1807 1819 1825 1867 1873 1879 1902 1905 1942"
        ),
        "CC": "6189162",
        "CX": "6189164",
        "DM": "1767",
        "DO": "1809 1829 1849",
        "EH": "2125288 2125289",
        "GD": "1473",
        "GG": "441481 447781 447839 4479111 4479117",
        "GU": "1671",
        "IM": "441624 4474576 447524 447624 447924",
        "JE": "441534 447509 4477003 4477007 4477008 447797 447829 447937",
        "JM": "1658 1876",
        "KN": "1869",
        "KY": "1345",
        "KZ": "77",
        "LC": "1758",
        "MP": "1670",
        "MS": "1664",
        "PR": "1787 1939",
        "SJ": "4779",
        "SX": "1721",
        "TA": "2908",
        "TC": "1649",
        "TT": "1868",
        "VA": "3906698",
        "VC": "1784",
        "VG": "1284",
        "VI": "1340",
        "YT": "2622689 262269 262639 26270935 26270936 26270937",
        _NO_COUNTRY: (
            "1500 1521 1522 1523 1524 1525 1526 1527 1528 1529 1532 1533 1535 1538 1542 1543 1544 1545 1546 1547 1549 "
            "1550 1552 1553 1554 1556 1558 1566 1569 1577 1578 1588 1589 1600 1622 1633 1644 1655 1677 1688 1700 1710 "
            "1800 1822 1833 1844 1855 1866 1877 1880 1881 1882 1883 1884 1885 1886 1887 1888 1889 1900"
        ),
    }.items()
    for prefix in prefixes.split()
}
"""First digits of numbers that belong to another country than their code."""

_SHARED = {
    code: tuple(sorted({len(prefix) for prefix in _WITHIN if prefix.startswith(code)}, reverse=True))
    for code in _MAIN
    if any(prefix.startswith(code) for prefix in _WITHIN)
}  # the lengths of such digits, longest first
COUNTRIES = frozenset({*_MAIN.values(), *_WITHIN.values(), "BL", "MF"} - {_NO_COUNTRY})
"""Every country with numbers of its own, ISO 3166-1 (and ``XK`` and ``AC``, as numbering plans have them)."""
_COUNTED_AS = {"BL": "GP", "MF": "GP"}  # countries whose numbers do not differ from those of another


def country_of(number: str) -> str | None:
    """The country of an E.164 number, two letters; None where it belongs to none."""
    for end in (2, 3, 4):
        code = number[1:end]
        if code == _NORTH_AMERICA and (len(number) != _NORTH_AMERICAN or number[2] in "01"):
            return None
        if code in _MAIN:
            for length in _SHARED.get(code, ()):
                country = _WITHIN.get(number[1 : 1 + length])
                if country is not None:
                    return country or None
            return _MAIN[code]
    return None


def counted_as(countries: frozenset[str]) -> frozenset[str]:
    """The countries as `country_of` names them."""
    return frozenset(_COUNTED_AS.get(country, country) for country in countries)
