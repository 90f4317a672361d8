"""The versioned types that cross a boundary; camelCase on the wire.

Every type is a frozen ``msgspec.Struct``: decoding validates, encoding is
deterministic. A field is added with a default; a meaning is changed only with a
new version number in the type's own ``v``.
"""
