//! Actions that do all they can to write down what they are given.

use std::io;
use std::path::Path;

/// The script of all of them. It gets secrets by the helper or on the first line of standard input, secret parameters and
/// the decoy as parameters.
const SPEAK: &str = r#"
import base64, html, json, os, shlex, sys, traceback, urllib.parse
import attune

text = sys.stdin.read()
if os.environ["ATTUNE_ACTION"].endswith("reads"):
    line, text = text.split("\n", 1)
    secrets = json.loads(line)
else:
    secrets = {name: attune.get_secret(name) for name in ["canary.system", "canary.pack"]}
given = json.loads(text)
values = [secrets["canary.system"], secrets["canary.pack"], given["pin"], given["card"]["number"], given["decoy"]]

def forms(value):
    data = value.encode()
    yield value
    for before in [b"", b"a", b"ab"]:
        yield base64.b64encode(before + data).decode()
    yield base64.urlsafe_b64encode(data).decode()
    yield data.hex()
    yield data.hex().upper()
    yield urllib.parse.quote(value)
    yield json.dumps({"password": value})
    yield "+ login " + shlex.quote(value)
    yield html.escape(value)
    yield repr({"password": value})

written = 0
def write(chunking, text):
    global written
    data = text.encode() + b"\n"
    if chunking == 1:
        for at in range(len(data)):
            os.write(1, data[at:at + 1])
    elif chunking == 2:
        # The middle of it lies where the pipe is full and a read ends.
        gap = -(written + len(data) // 2) % 65536
        if gap < 8192 or written == 0:
            data = b"x" * gap + data
        at = 0
        while at < len(data):
            at += os.write(1, data[at:at + 65536])
    else:
        os.write(1, data)
    written += len(data)

for value in values:
    for text in forms(value):
        write(given["chunking"], text)
        sys.stderr.write(text + "\n")
        attune.log("info", "using " + text)
    attune.progress(50, "with " + value)
attune.set_output({"values": values, "forms": [text for value in values for text in forms(value)]})
for index, value in enumerate(values):
    name = "report-%d-%s.txt" % (index, value.encode().hex())
    with open(os.path.join(os.environ["ATTUNE_ARTIFACTS_DIR"], name), "w") as file:
        file.write("a report")
try:
    raise ValueError("wrong password " + values[0])
except ValueError:
    traceback.print_exc()
"#;

/// Traces itself, and then dies so that a core would be written.
const ABORTS: &str = r#". "$ATTUNE_SHELL_LIB"
set -x
secret=$(get_secret canary.system)
echo "$secret" >/dev/null
ulimit -c unlimited
kill -ABRT $$
"#;

/// Writes the pack `canary` below `folder`.
pub(super) fn write(folder: &Path) -> io::Result<()> {
    let actions = folder.join("canary/actions");
    std::fs::create_dir_all(&actions)?;
    std::fs::write(folder.join("canary/pack.yaml"), "ref: canary\nversion: 1.0.0\n")?;
    std::fs::write(actions.join("speak.py"), SPEAK)?;
    std::fs::write(actions.join("aborts.sh"), ABORTS)?;
    let parameters = "parameter_format: json\nartifacts: [\"*.txt\"]\nparameters:\n  pin: {type: string, secret: true}\n  card: {type: object, secret: true}\n  \
                      decoy: {type: string}\n  chunking: {type: integer}\n";
    for (name, runtime, entry, more) in [
        ("asks", "python", "speak.py", parameters.to_owned()),
        ("reads", "python", "speak.py", format!("secret_delivery: stdin\n{parameters}")),
        ("aborts", "shell", "aborts.sh", String::new()),
    ] {
        let yaml = format!(
            "ref: canary.{name}\nrunner_type: {runtime}\nentry_point: {entry}\nsecrets: [canary.system, canary.pack]\n{more}"
        );
        std::fs::write(actions.join(format!("{name}.yaml")), yaml)?;
    }
    Ok(())
}
