"""Apache Airflow and Cloud Composer: a DAG file that is the same for every project, and the plan that it reads."""
