-- {{ dag.dag_id }}
select to_number, name from contacts where due_on = :day order by to_number;
