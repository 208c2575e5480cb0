"""Invented names. Whoever is really called so is not meant."""

from __future__ import annotations

_FAMILY_JA = (
    "suzuki:鈴木 sato:佐藤 tanaka:田中 takahashi:高橋 ito:伊藤 watanabe:渡辺 yamamoto:山本 nakamura:中村 kobayashi:小林 kato:加藤 "
    "yoshida:吉田 yamada:山田 sasaki:佐々木 yamaguchi:山口 matsumoto:松本 inoue:井上 kimura:木村 hayashi:林 shimizu:清水 saito:斎藤 "
    "mori:森 abe:阿部 ikeda:池田 hashimoto:橋本 ishikawa:石川 ogawa:小川 okada:岡田 goto:後藤 hasegawa:長谷川 murakami:村上 "
    "kondo:近藤 ishii:石井 sakamoto:坂本 endo:遠藤 aoki:青木 fujii:藤井 nishimura:西村 fukuda:福田 ota:太田 miura:三浦"
)
_GIVEN_JA = (
    "mika:美香 hiroshi:浩 yuki:由紀 kenji:健二 akiko:明子 takashi:隆 naoko:直子 daisuke:大輔 emi:恵美 shinji:真司 "
    "kaori:香織 makoto:誠 yoko:洋子 satoshi:聡 haruka:遥 kazuo:和夫 rie:理恵 tetsuya:哲也 miho:美穂 osamu:修 "
    "chie:千恵 ryo:亮 sachiko:幸子 jun:淳 ayumi:歩 toru:徹 noriko:典子 koji:浩司 megumi:恵 sho:翔"
)
# (as written in addresses, as written in Japanese)
FAMILY_JA = tuple((pair.partition(":")[0], pair.partition(":")[2]) for pair in _FAMILY_JA.split())
GIVEN_JA = tuple((pair.partition(":")[0], pair.partition(":")[2]) for pair in _GIVEN_JA.split())

_FOREIGN = {
    "en": (
        "Alice Brian Claire Daniel Emma Frank Grace Henry Isabel Jack Karen Liam Megan Nathan Olivia Peter",
        "Archer Bellamy Carver Dawson Ellery Fenwick Garland Hollis Ingram Kestrel Langley Merrick Norwood "
        "Prescott Ridley Thorne",
    ),
    "de": (
        "Anke Bernd Carla Dieter Elke Florian Greta Heiko Ines Jonas Katrin Lutz Maren Nils Petra Ralf",
        "Ackermann Brandauer Dornfeld Eichinger Falkner Grünwald Hellweg Jahnke Kirchhof Lindner Mertens Nordhoff "
        "Rautenberg Steinle Vollmer Wiesner",
    ),
    "ro": (
        "Alba Bruno Chiara Diego Elena Fabien Gaelle Hugo Inès Julien Lucia Marco Noemi Paulo Renata Tomas",
        "Arnaldi Beaumont Castelar Delacour Ferrante Garrido Leclair Marchetti Navarro Olivero "
        "Perrault Quintela Rinaldo Salgado Tessier Valverde",
    ),
    "no": (
        "Astrid Bjarne Dagny Eero Freja Gunnar Helmi Ivar Jorunn Kasper Liv Mikko Nora Oskar Ragna Sven",
        "Aaltola Bergstad Dahlin Ekholm Fjeldsted Granlund Hagen Isaksen Karhu Lindroos Mikkola Nygaard "
        "Rosvall Solheim Tervo Vestby",
    ),
    "sl": (
        "Agata Borys Danuta Emil Filip Hanna Igor Jana Karol Lenka Marek Nadja Ondrej Petra Radek Tiina",
        "Adamec Bielak Czarnik Dvorsky Fiala Gorski Hrabal Jelinek Kask Lipinski Malina Novotny Pawlak Rebane Sadowski Tamm",
    ),
    "as": (
        "Aisyah Bao Chen Dae Eun Fang Hana Irfan Jia Kwan Linh Ming Nari Putri Rahim Somchai",
        "Ahn Baek Chua Dang Goh Huang Jeon Kurnia Lim Moon Ngo Ong Pratama Rattana Seo Tsai",
    ),
    "in": (
        "Aarav Bhavna Chetan Deepa Esha Farid Gita Harsh Indira Jatin Kavya Lalit Meera Nikhil Pooja Rohan",
        "Acharya Bhandari Chopra Desai Gokhale Iyer Joshi Kulkarni Mehta Nair Pillai Rao Sethi Thakur Varma Yadav",
    ),
}
FOREIGN = {region: (given.split(), family.split()) for region, (given, family) in _FOREIGN.items()}

_PLAIN = str.maketrans("üèéäöß", "ueeaos")


def plain(text: str) -> str:
    """A name as it stands in an address."""
    return text.lower().translate(_PLAIN)


def person(region: str, number: int) -> tuple[str, str]:
    """(local part of an address, display name) of the `number`th person of a region; numbers below 256 give different ones."""
    if region == "ja":
        family = FAMILY_JA[number * 7 % len(FAMILY_JA)]
        given = GIVEN_JA[(number + number // 120) % len(GIVEN_JA)]
        return f"{given[0]}.{family[0]}", f"{family[1]} {given[1]}"
    first, last = FOREIGN[region]
    given_name, family_name = first[number % 16], last[(number + number // 16) % 16]
    return f"{plain(given_name)}.{plain(family_name)}", f"{given_name} {family_name}"
