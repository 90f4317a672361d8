"""Personal data at the door: what is dropped, and what stands in for a person's id.

See docs/decisions/0011.
"""

import re
from collections.abc import Callable, Mapping
from hashlib import blake2b
from pathlib import Path
from secrets import token_bytes
from typing import Any

from code24.contracts.event import MAX_NESTING
from code24.errors import Code24Error
from code24.secret_file import SECRET_BYTES, kept_secret

PSEUDONYM_KEY = "pseudonyms.key"
ID_BYTES = 16
PERSONAL_NAMES = frozenset(
    {
        *("email", "emailaddress", "mail", "useremail", "phone", "phonenumber"),
        *("mobile", "mobilephone", "telephone", "tel", "fax", "username", "login"),
        *("firstname", "lastname", "fullname", "middlename", "surname", "givenname"),
        *("familyname", "displayname", "nickname", "customername", "contactname"),
        *("address", "address1", "address2", "street", "streetaddress", "houseno"),
        *("postalcode", "postcode", "zip", "zipcode", "billingaddress"),
        *("shippingaddress", "homeaddress", "latitude", "longitude", "lat", "lng"),
        *("birthday", "birthdate", "dateofbirth", "dob", "age", "gender", "avatar"),
        *("ssn", "taxid", "passport", "iban", "bic", "cardnumber", "creditcard"),
        *("cvc", "cvv", "password", "passwd", "token", "accesstoken", "secret"),
        *("ip", "ipaddress", "userip", "deviceid", "advertisingid", "idfa", "idfv"),
    }
)
"""Field names, in lower case without separators, whose values are never kept."""
KEPT_TRAITS = frozenset(
    {
        *("plan", "planname", "role", "title", "industry", "employees"),
        *("companysize", "website", "logins", "createdat", "signedupat", "language"),
        *("locale", "timezone", "country", "currency", "totalbilled", "mrr", "arr"),
        *("trialendsat", "subscriptionstatus", "accounttype", "source", "seats"),
    }
)
"""What is kept of a person's or company's traits; all others are dropped.

A list of what may stay: a trait may be called anything, so no list of what must go
is long enough.
"""


_TELEPHONE = re.compile(r"\+\d[\d ()./-]{6,}|0\d[\d ()./-]*[ ()./-][\d ()./-]{4,}")
"""A number with its country, or one with an area code and separators as people write
it; digits alone are account numbers."""


class PseudonymError(Code24Error):
    """The key of pseudonyms cannot be read or made."""


class Pseudonyms:
    """Stands in for ids that a business gives to people (an account, an e-mail).

    A keyed hash, its key random, made on the machine and kept (mode 600): one person
    of one site always has the same, nobody without the key can try addresses.
    """

    def __init__(self, keys: Path | None) -> None:
        """Take the key in the folder of keys, made where there is none.

        Without a folder the key is drawn and forgotten with the object.

        Raises:
            PseudonymError: it cannot be read or made.
        """
        if keys is None:
            self._key = token_bytes(SECRET_BYTES)
            return
        try:
            self._key = kept_secret(keys / PSEUDONYM_KEY)
        except OSError as error:
            raise PseudonymError(
                f"{keys / PSEUDONYM_KEY}: cannot be read or made: {error.strerror}"
            ) from error

    def of(self, site_id: str, person: str) -> str:
        """Return the pseudonym of a person: ``u-`` and 32 hexadecimal digits.

        However an address or a number is written, it is one (``one_spelling``).
        """
        message = f"{site_id}\n{one_spelling(person)}".encode(errors="replace")
        digest = blake2b(message, key=self._key, digest_size=ID_BYTES)
        return f"u-{digest.hexdigest()}"


def kept_pseudonyms(keys: Path) -> Pseudonyms | None:
    """Return the pseudonyms of a home; none where nothing was ever replaced by one.

    Raises:
        PseudonymError: their key cannot be read.
    """
    return Pseudonyms(keys) if (keys / PSEUDONYM_KEY).exists() else None


def one_spelling(person: str) -> str:
    """Return an id without what differs between spellings of the same.

    E-mail addresses in small letters, telephone numbers without separators; any other
    id as it is.
    """
    bare = person.strip()
    if holds_email(bare):
        return bare.lower()
    return bare.translate(_IN_NUMBERS) if _TELEPHONE.fullmatch(bare) else person


def group_pseudonym(group: str, pseudonym: Callable[[str], str]) -> str:
    """Return what stands in for a company's id, which may be a person's number too."""
    return pseudonym(f"group:{group}")


def without_personal(value: Any, levels: int = MAX_NESTING) -> Any:
    """Return a JSON value without what says who somebody is.

    Fields named in ``PERSONAL_NAMES`` go, and so does any text that holds an e-mail
    address, whatever its field is called. What is nested deeper than ``levels`` stays:
    the door refuses it.
    """
    if levels == 0 or not isinstance(value, dict | list):
        return value
    if isinstance(value, dict):
        return {
            name: without_personal(inner, levels - 1)
            for name, inner in value.items()
            if not _is_personal(name, inner)
        }
    return [
        without_personal(inner, levels - 1)
        for inner in value
        if not (isinstance(inner, str) and holds_email(inner))
    ]


def kept_traits(traits: Mapping[str, Any]) -> dict[str, Any]:
    """Return the traits that ``KEPT_TRAITS`` names and that are plain values."""
    return {
        name: value
        for name, value in traits.items()
        if _bare(name) in KEPT_TRAITS
        and isinstance(value, str | int | float | bool)
        and not _is_personal(name, value)
    }


def holds_email(text: str) -> bool:
    """Say whether a text may hold an e-mail address: ``@`` and a dot after it."""
    before, at, after = text.partition("@")
    return bool(at and before and "." in after)


def unit_of(person: str, pseudonym: Callable[[str], str]) -> str:
    """Return a person's id as the unit of tests: itself, or what stands in for it.

    An account number says nothing, and is what a server assigns and converts by; so it
    stays, or exposure and conversion would never meet. An e-mail address or a telephone
    number says who somebody is, and is replaced at whichever door it comes.
    """
    bare = person.strip()
    says_who = holds_email(bare) or _TELEPHONE.fullmatch(bare) is not None
    return pseudonym(person) if says_who else person


def _is_personal(name: str, value: Any) -> bool:
    if _bare(name) in PERSONAL_NAMES:
        return True
    return isinstance(value, str) and holds_email(value)


def _bare(name: str) -> str:
    return name.lower().translate(_SEPARATORS)


_SEPARATORS = str.maketrans("", "", "_- .")
_IN_NUMBERS = str.maketrans("", "", " ()./-")
