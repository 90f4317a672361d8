with

final as (

    select * from {{ source('raw', 'past_experiments') }}

)

select * from final
