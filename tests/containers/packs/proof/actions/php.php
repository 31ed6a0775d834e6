<?php
usleep((int) (1e6 * (float) getenv("ATTUNE_PARAM_SECONDS")));
echo json_encode(["runtime" => "php"]), "\n";
