\set n random(1, ${townships})
${statement};
