with

final as (

    select * from {{ source('raw', 'experiments') }}

)

select * from final
