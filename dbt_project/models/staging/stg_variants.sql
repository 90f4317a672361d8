with

final as (

    select * from {{ source('raw', 'variants') }}

)

select * from final
