Sys.sleep(as.numeric(Sys.getenv("ATTUNE_PARAM_SECONDS")))
cat("{\"runtime\": \"r\"}\n")
