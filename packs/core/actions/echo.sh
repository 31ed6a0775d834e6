# The parameters arrive as one JSON object on stdin, and that is the answer.
exec cat
