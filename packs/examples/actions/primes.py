"""Lists prime numbers, and speaks to its worker while it does."""
import json
import os
import sys
import tempfile

import attune

limit = json.load(sys.stdin)["limit"]
is_prime = bytearray([1]) * (limit + 1)
is_prime[:2] = b"\0\0"
root = int(limit ** 0.5)
for number in range(2, root + 1):
    if is_prime[number]:
        is_prime[number * number :: number] = bytes(len(range(number * number, limit + 1, number)))
    if number % 100 == 0:
        attune.progress(90 * number / root, "sieved up to {}".format(number))
primes = [number for number in range(limit + 1) if is_prime[number]]

with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "primes.txt")
    with open(path, "w") as file:
        file.writelines("{}\n".format(prime) for prime in primes)
    attune.put_artifact(path)
attune.set_output(count=len(primes), largest=primes[-1])
attune.progress(100)
