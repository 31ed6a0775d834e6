setTimeout(() => console.log(JSON.stringify({runtime: "node"})), 1000 * Number(process.env.ATTUNE_PARAM_SECONDS));
