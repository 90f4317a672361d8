{#- A measure of an event that knows its document's size; null of others. -#}
{% macro when_sized(measure) -%}
    case when document_width > 0 and document_height > 0 then {{ measure }} end
{%- endmacro %}

{#- Pixels scrolled, no fewer than none and no more than the page has. -#}
{% macro pixels_scrolled(scrolled, whole) -%}
    case
        when {{ whole }} is not null
            then least(greatest(coalesce({{ scrolled }}, 0), 0), {{ whole }})
    end
{%- endmacro %}

{#- How much of a page's length was on the screen at most, in whole percent. -#}
{% macro percent_seen(scrolled, viewport, whole) -%}
    cast(
        round(
            100.0
            * case
                when {{ pixels_scrolled(scrolled, whole) }} + {{ viewport }} < {{ whole }}
                    then {{ pixels_scrolled(scrolled, whole) }} + {{ viewport }}
                when {{ viewport }} is not null then {{ whole }}
            end
            / {{ whole }}
        ) as bigint
    )
{%- endmacro %}
