"""Server, Project, Job, and the module-level calls: what users say, in terms of plans, sources and frames."""
