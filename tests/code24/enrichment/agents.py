"""User agents of real browsers, as they are sent, with what each must be taken for."""

WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
IPHONE = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
PEOPLE = {
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/140.0.0.0 "
    "Safari/537.36": ("desktop", "Chrome", "Windows"),
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/139.0.0.0 "
    "Safari/537.36 Edg/139.0.0.0": ("desktop", "Edge", "Windows"),
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 "
    "Firefox/143.0": ("desktop", "Firefox", "Windows"),
    f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {IPHONE} Version/26.0 "
    "Safari/605.1.15": ("desktop", "Safari", "Mac OS X"),
    f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {WEBKIT} Chrome/138.0.0.0 "
    "Safari/537.36": ("desktop", "Chrome", "Chrome OS"),
    "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0": (
        "desktop",
        "Firefox",
        "Ubuntu",
    ),
    f"Mozilla/5.0 (X11; Linux x86_64) {WEBKIT} Chrome/138.0.0.0 Safari/537.36 "
    "OPR/122.0.0.0": ("desktop", "Opera", "Linux"),
    f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) {IPHONE} Version/18.6 "
    "Mobile/15E148 Safari/604.1": ("mobile", "Mobile Safari", "iOS"),
    f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) {IPHONE} "
    "CriOS/139.0.7258.76 Mobile/15E148 Safari/604.1": (
        "mobile",
        "Chrome Mobile iOS",
        "iOS",
    ),
    f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) {IPHONE} Mobile/15E148 "
    "[FBAN/FBIOS;FBAV/524.0.0.41.97;FBBV/756189214;FBDV/iPhone15,3;FBMD/iPhone]": (
        "mobile",
        "Facebook",
        "iOS",
    ),
    f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) {IPHONE} Mobile/15E148 "
    "Instagram 390.0.0.28.85 (iPhone16,1; iOS 18_5; de_DE)": (
        "mobile",
        "Instagram",
        "iOS",
    ),
    f"Mozilla/5.0 (Linux; Android 10; K) {WEBKIT} Chrome/140.0.0.0 Mobile "
    "Safari/537.36": ("mobile", "Chrome Mobile", "Android"),
    f"Mozilla/5.0 (Linux; Android 10; K) {WEBKIT} SamsungBrowser/28.0 "
    "Chrome/130.0.0.0 Mobile Safari/537.36": ("mobile", "Samsung Internet", "Android"),
    f"Mozilla/5.0 (Linux; Android 9; CUBOT X19) {WEBKIT} Chrome/120.0.0.0 Mobile "
    "Safari/537.36": ("mobile", "Chrome Mobile", "Android"),
    f"Mozilla/5.0 (Linux; Android 14; SM-S918B; wv) {WEBKIT} Version/4.0 "
    "Chrome/138.0.0.0 Mobile Safari/537.36": (
        "mobile",
        "Chrome Mobile WebView",
        "Android",
    ),
    "Mozilla/5.0 (Android 15; Mobile; rv:142.0) Gecko/142.0 Firefox/142.0": (
        "mobile",
        "Firefox Mobile",
        "Android",
    ),
    f"Mozilla/5.0 (Linux; Android 13; SM-X906C) {WEBKIT} Chrome/139.0.0.0 "
    "Safari/537.36": ("tablet", "Chrome", "Android"),
    f"Mozilla/5.0 (iPad; CPU OS 17_7 like Mac OS X) {IPHONE} Version/17.7 "
    "Mobile/15E148 Safari/604.1": ("tablet", "Mobile Safari", "iOS"),
    f"Mozilla/5.0 (Linux; Android 11; KFTRWI) {WEBKIT} Silk/133.2.4 like "
    "Chrome/133.0.6943.141 Safari/537.36": ("tablet", "Amazon Silk", "Android"),
    f"Mozilla/5.0 (SMART-TV; LINUX; Tizen 6.0) {WEBKIT} 76.0.3809.146/6.0 TV "
    "Safari/537.36": ("tv", "Safari", "Tizen"),
    f"Mozilla/5.0 (Web0S; Linux/SmartTV) {WEBKIT} Chrome/108.0.5359.211 "
    "Safari/537.36 WebAppManager": ("tv", "Chrome", "Web0S"),
    f"Mozilla/5.0 (Linux; Android 9; AFTMM Build/PS7279) {WEBKIT} "
    "Chrome/112.0.5615.213 Safari/537.36": ("tv", "Chrome", "Android"),
}
PROGRAMS = (
    "okhttp/4.12.0",
    "python-requests/2.32.3",
    "Python-urllib/3.11",
    "analytics-python/2.4.0",
    "axios/1.11.0",
    "Java/17.0.2",
    "curl/8.5.0",
)
"""Libraries that servers and apps of a customer send conversions with."""
