# Describes a list of numbers by its mean, its deviation and its quartiles.
text <- gsub("[][]", "", Sys.getenv("ATTUNE_PARAM_VALUES"))
values <- as.numeric(strsplit(text, ",")[[1]])
quartiles <- paste(format(quantile(values, names = FALSE), digits = 12, trim = TRUE), collapse = ", ")
cat(sprintf(
  '{"count": %d, "mean": %.12g, "deviation": %.12g, "quartiles": [%s]}\n',
  length(values), mean(values), sd(values), quartiles
))
