{#-
When an event happened, by the clock of the door: the same rule as
`code24.enrichment.clock.happened_at`, which says why. What was imported or replayed
is history, whose receipt says nothing about its clock.
-#}
{% macro happened_at() -%}
    case
        when
            origin = 'live'
            and event_at < {{ dbt.dateadd('second', 5, 'sent_at') }}
            and (
                received_at >= {{ dbt.dateadd('second', 5, 'sent_at') }}
                or sent_at >= {{ dbt.dateadd('second', 5, 'received_at') }}
            )
            then event_at + (received_at - sent_at)
        else event_at
    end
{%- endmacro %}
