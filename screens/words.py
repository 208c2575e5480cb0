"""Every text of the app in two languages. The English text is the key: `translate("Case", "ja")`.

Sentences and notes that come from `reports/` and the step files are English; those that are known here are shown in Japanese,
and any other stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from screens.step_words import CLOSES_JA, SENTENCES_JA

LANGUAGES = {"en": "English", "ja": "日本語"}

_JA = {
    # pages and the sidebar
    "Blast radius": "波及範囲",
    "Correspondents": "通信相手",
    "Sources": "情報源",
    "Questions": "照会",
    "Language": "言語",
    "Case": "ケース",
    "A case folder: choose one, or type its path.": "ケースのフォルダー。一覧から選ぶか、パスを入力します。",
    "Compromised account": "侵害されたアカウント",
    "Name or address": "名前またはアドレス",
    "The first {n:,} of {total:,} are listed; any other can be typed.": "{total:,} 件中、先頭の {n:,} 件を表示。ほかは入力できます。",
    "Held from (UTC)": "侵害の開始 (UTC)",
    "Held until (UTC)": "侵害の終了 (UTC)",
    "Still held: no end": "継続中 (終了なし)",
    "Profile": "想定する手口",
    "quiet": "静か",
    "noisy": "目立つ",
    "Rights, credentials and sessions": "権限・資格情報・セッション",
    "Also phishing from held mailboxes": "掌握したメールボックスからのフィッシングも含む",
    "Show": "表示",
    "Working…": "計算中…",
    # the first screen
    "How far does a compromised mailbox reach?": "侵害されたメールボックスは、どこまで届くか",
    "Choose the compromised account on the left: type a part of its name, or paste an address.":
        "左で侵害されたアカウントを選びます。名前の一部を入力するか、アドレスを貼り付けてください。",
    "Say when it was held. The form begins with the last year of mail that the sources saw.":
        "侵害されていた期間を指定します。初期値は、情報源が捉えたメールの最後の一年です。",
    "Press “{button}”: here you get what it could reach, when, and by which way; “{page}” says who has to be told.":
        "「{button}」を押すと、到達できた範囲・時刻・経路をここに表示します。通知すべき相手は「{page}」で確認できます。",
    "What this case holds": "このケースの内容",
    "This case holds nothing yet. Load exports first: {command}": "このケースは空です。まずエクスポートを読み込んでください: {command}",
    "Not collected, so answers that lean on it may be too small: {what}": "未収集 (これに依る結果は過小の可能性があります): {what}",
    # blast radius
    "held from {start} until {until} (UTC)": "{start} から {until} まで侵害 (UTC)",
    "now": "現在",
    "profile {profile}": "手口: {profile}",
    "Still held afterwards": "期間後も掌握",
    "by footholds that outlive the window": "期間を越えて残る足がかりによる",
    "nothing known to be missing": "欠けた情報源なし",
    "Account": "アカウント",
    "Mailbox": "メールボックス",
    "Server": "サーバー",
    "Service": "サービス",
    "Group": "グループ",
    "Container": "コンテナー",
    "Role": "ロール",
    "App": "アプリ",
    "Rule": "ルール",
    "File": "ファイル",
    "Secret": "秘密情報",
    "Other": "その他",
    "Accounts": "アカウント",
    "Mailboxes": "メールボックス",
    "Servers": "サーバー",
    "Services": "サービス",
    "Groups": "グループ",
    "Containers": "コンテナー",
    "Roles": "ロール",
    "Apps": "アプリ",
    "Rules": "ルール",
    "Files": "ファイル",
    "Secrets": "秘密情報",
    "How far it reaches": "どこまで届くか",
    "A ring is a step further from the start. The thick line is the way to the chosen node. Hover for the sentence, drag to move.":
        "輪は起点からの段数。太線は選んだ項目への経路。重ねると説明を表示、ドラッグで移動。",
    "{shown:,} of {total:,} reached nodes are drawn, the nearest first; the table has them all.":
        "到達した {total:,} 件のうち、近い順に {shown:,} 件を描画。表にはすべてあります。",
    "start": "起点",
    "Picture of what was reached, ring by ring": "到達範囲の図 (段数ごとの輪)",
    "Larger": "拡大",
    "Smaller": "縮小",
    "Whole": "全体",
    "What was reached": "到達したもの",
    "Kind": "種類",
    "Name": "名前",
    "Key": "キー",
    "First held (UTC)": "最初の掌握 (UTC)",
    "Steps": "段数",
    "Still held": "掌握継続",
    "Way": "経路",
    "Evidence": "証拠",
    "Click a row for the way to it.": "行をクリックすると経路を表示します。",
    "The way to": "経路を示す項目",
    "Held from the start: the incident begins here.": "最初から掌握。ここが起点です。",
    "closes with: {text}": "遮断方法: {text}",
    "survives a password reset": "パスワード変更後も残る",
    "derived from other facts": "ほかの事実から導出",
    "Download CSV": "CSV を保存",
    "Download JSON": "JSON を保存",
    "Whole result as JSON": "結果全体を JSON で保存",
    "Could be approached ({n:,})": "接近できる相手 ({n:,})",
    "May write as ({n:,})": "なりすまし送信 ({n:,})",
    "Held mail goes on to ({n:,})": "転送先 ({n:,})",
    "Mail seen in passing ({n:,})": "通過メールの閲覧 ({n:,})",
    "Colleagues who could be phished from what is held. They are not counted as reached; the noisy profile walks on through them.":
        "掌握したものからフィッシングできる同僚。到達には数えません。「目立つ」手口ではこの先もたどります。",
    "The noisy profile walks through whom it could approach: they are among what was reached.":
        "「目立つ」手口では接近できる相手もたどるため、到達したものに含まれます。",
    "Addresses that mail could be sent as.": "なりすまして送信できるアドレス。",
    "Addresses that mail of held mailboxes is forwarded to.": "掌握したメールボックスのメールが転送されるアドレス。",
    "Mailboxes whose passing mail could be read, without holding the mailbox itself.":
        "メールボックス自体は掌握せず、通過するメールだけを読めたもの。",
    "None.": "なし。",
    "How": "方法",
    "From (UTC)": "開始 (UTC)",
    "Until (UTC)": "終了 (UTC)",
    "Address": "アドレス",
    "By": "経由",
    # correspondents
    "External correspondents disclosed": "漏えいした外部の通信相手",
    "Mail at rest: every message that lay in a held mailbox meanwhile, however old.":
        "保存メール: 掌握中にメールボックスにあったすべてのメール (古いものも含む)。",
    "Persons": "人",
    "Addresses": "アドレス",
    "Messages": "メール",
    "Organisations": "組織",
    "Countries": "国",
    "Country not known": "国が不明",
    "addresses": "アドレス数",
    "All these numbers may be too small: {missing}": "これらの数はいずれも過小の可能性があります: {missing}",
    "Only in transit: {persons:,} persons, {addresses:,} addresses, {messages:,} messages that no held mailbox disclosed.":
        "通過のみ: {persons:,} 人、{addresses:,} アドレス、{messages:,} 通 (掌握したメールボックスからは漏えいせず)。",
    "All messages at rest: {all_messages:,}, among them mail with {internal_addresses:,} addresses inside.":
        "保存メールは全部で {all_messages:,} 通、うち内部のアドレスは {internal_addresses:,} 件。",
    "By country": "国別",
    "By organisation": "組織別",
    "Everyone disclosed": "漏えいした通信相手の一覧",
    "Country": "国",
    "Organisation": "組織",
    "Category": "区分",
    "Person": "人物",
    "First (UTC)": "最初 (UTC)",
    "Last (UTC)": "最後 (UTC)",
    "Told (UTC)": "通知済 (UTC)",
    "Country known by": "国の根拠",
    "In mailboxes": "メールボックス",
    "unknown": "不明",
    "Nobody outside was disclosed by what was loaded.": "読み込んだ情報の範囲では、外部の漏えいはありません。",
    # sources
    "What the sources saw": "情報源が捉えた範囲",
    "“Not collected” is not “none”: numbers that lean on it may be too small.":
        "「未収集」は「なし」ではありません。それに依る数字は過小の可能性があります。",
    "For the window asked about.": "指定した期間について。",
    "For any time: choose an account for a window.": "全期間について。期間はアカウントを選ぶと反映されます。",
    "What": "対象",
    "Status": "状態",
    "Detail": "詳細",
    "What was loaded": "読み込んだファイル",
    "File name": "ファイル",
    "Format": "形式",
    "Read": "読取",
    "Loaded": "取込",
    "Refused": "拒否",
    "Read at": "読取日時",
    "Load": "読込 ID",
    "Notes": "注記",
    "Refused rows": "拒否した行",
    "Load with refused rows": "拒否した行がある読込",
    "Place": "場所",
    "Why": "理由",
    "What an attacker can do": "攻撃者ができること",
    "The steps that the blast radius is made of; techniques are of ATT&CK v{version}.":
        "波及範囲を成す手順。技術番号は ATT&CK v{version}。",
    "No.": "番号",
    "Step": "手順",
    "Hold": "掌握",
    "Techniques": "技術",
    "Survives a reset": "変更後も残る",
    "Closes with": "遮断方法",
    "Confirmed by": "確認できる記録",
    "Limits": "限界",
    "yes": "はい",
    "no": "いいえ",
    "Nothing is loaded yet.": "まだ何も読み込まれていません。",
    # questions
    "Saved question": "保存された照会",
    "Asked by {who}": "質問者: {who}",
    "Ask": "照会",
    "Own Cypher": "自分の Cypher",
    "Read-only Cypher over the graph (docs/graph.md has its labels and relationships).":
        "読み取り専用の Cypher (ラベルと関係は docs/graph.md)。",
    "Query": "クエリー",
    "Run": "実行",
    "{n:,} rows": "{n:,} 行",
    "The first {n:,} rows are shown; the download has them all.": "先頭の {n:,} 行を表示。保存するとすべて含まれます。",
    "No saved questions are installed.": "保存された照会はありません。",
    # words of the coverage
    "accounts": "アカウント",
    "groups": "グループ",
    "mailboxes": "メールボックス",
    "mailbox rights": "メールボックスの権限",
    "send rights": "送信権限",
    "folder rights": "フォルダーの権限",
    "forwarding": "転送",
    "inbox rules": "受信ルール",
    "mail headers": "メールヘッダー",
    "message trace": "メッセージ追跡",
    "servers": "サーバー",
    "server administrators": "サーバー管理者",
    "remote access": "リモートアクセス",
    "sessions": "セッション",
    "mail hosts": "メールのホスト",
    "correspondents": "通信相手の名簿",
    "exchange administrators": "Exchange 管理者",
    "audit log": "監査ログ",
    "mail access": "メール閲覧の監査",
    "sign-ins": "サインイン",
    "logons": "ログオン",
    "app permissions": "アプリの権限",
    "roles": "ロールの割り当て",
    "transport rules": "トランスポート ルール",
    "network": "ネットワーク",
    "shared files": "共有ファイル",
    "indicators": "侵害指標",
    "remediations": "是正措置",
    "directory rights": "ディレクトリの権限",
    "collected": "収集済",
    "partial": "一部のみ",
    "not collected": "未収集",
    "no loaded source speaks of it": "これについて述べる情報源がありません",
    "an export stopped at a known limit": "エクスポートが既知の上限で止まっています",
    "borrowed": "借用",
    "foothold": "足がかり",
    "POSSIBLE": "可能性",
    "POSSIBLE: the exported configuration allows every step shown; no log was read that could confirm one or rule it out.":
        "可能性: 示した手順はすべて、エクスポートされた設定のもとで可能です。裏付け、または否定するログは読まれていません。",
    "POSSIBLE: the exported configuration allows every step shown; the logs that were read are kept as observations and are not weighed for it.":
        "可能性: 示した手順はすべて、エクスポートされた設定のもとで可能です。読まれたログは観測として保存されていますが、判定には使われていません。",
    **CLOSES_JA,
}  # fmt: skip

_ISO = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\+00:00|Z)")
_LIMITS = re.compile(r"were not asked$|stopped at a known limit$|^nothing (before|after) ")
_PATTERNS_JA = [
    (re.compile(r"^([\d,]+) of ([\d,]+) were not asked$"), r"\2 件中 \1 件は未取得"),
    (re.compile(r"^no message is known of ([\d,]+) of ([\d,]+) held mailboxes$"), r"掌握したメールボックス \2 件中 \1 件のメールは不明"),
    (re.compile(r"^nothing before (.+)$"), r"\1 より前はなし"),
    (re.compile(r"^nothing after (.+)$"), r"\1 より後はなし"),
]


def translate(text: str, language: str, /, **values: object) -> str:
    """The text in `language` (`en` or `ja`), with `{values}` filled in. A text that is not known stays as it is."""
    found = _JA.get(text, text) if language == "ja" else text
    return found.format(**values) if values else found


def known(text: str) -> bool:
    """Whether the text has a Japanese translation."""
    return text in _JA


def note(text: str, language: str) -> str:
    """A note of the coverage: `sessions not collected`, `groups: 3 of 9 were not asked; nothing before …`."""
    if language != "ja":
        return _plain_times(text)
    if text.endswith(" not collected"):
        return f"{translate(text.removesuffix(' not collected'), language)}: {_JA['not collected']}"
    head, colon, rest = text.partition(": ")
    if colon and head in _JA:
        return f"{_JA[head]}: {detail(rest, language)}"
    return detail(text, language)


def brief(text: str) -> str:
    """A note without its remarks: what was not seen is left. What says nothing else stays as it is."""
    head, colon, rest = text.partition(": ")
    limits = [part for part in rest.split("; ") if _LIMITS.search(part)]
    return f"{head}: {'; '.join(limits)}" if colon and limits else text


def detail(text: str, language: str) -> str:
    """A detail of the coverage, whose parts are joined by semicolons."""
    text = _plain_times(text)
    return text if language != "ja" else "; ".join(_detail_part(part) for part in text.split("; "))


def _plain_times(text: str) -> str:
    """ISO 8601 as the tables write it: `2023-01-02 01:00 UTC`."""
    return _ISO.sub(lambda found: f"{found[1]} {found[2].removesuffix(':00')} UTC", text)


def _detail_part(part: str) -> str:
    for pattern, japanese in _PATTERNS_JA:
        if pattern.match(part):
            return pattern.sub(japanese, part)
    return _JA.get(part, part)


def sentence(step: Mapping[str, str], names: Mapping[str, str], language: str) -> str:
    """The sentence of one step of a way (`rule, source, target, sentence`); `names`: key -> name."""
    template = SENTENCES_JA.get(step["rule"]) if language == "ja" else None
    if template is None:
        return step["sentence"]
    return template.format(source=names.get(step["source"], step["source"]), target=names.get(step["target"], step["target"]))
