import json, os, time

time.sleep(float(os.environ["ATTUNE_PARAM_SECONDS"]))
print(json.dumps({"runtime": "python"}))
