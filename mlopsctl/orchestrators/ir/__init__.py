"""The KFP v2 intermediate representation of a pipeline, for Kubeflow Pipelines and Vertex AI alike."""
