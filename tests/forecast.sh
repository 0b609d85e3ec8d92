# netflowgen evaluate forecast and holdout end to end on a tiny simulated network, and what they say to bad input.
. "$(dirname "$0")/expect.sh"

evaluate="$NETFLOWGEN -q evaluate"
expect 0 "attacks" "$NETFLOWGEN" -q simulate tiny -o "$out/sim"
expect 0 "frames" "$NETFLOWGEN" -q series "$out/sim/flows.csv.zst" --nodes 10.30.0.0/26 -o "$out/store"
expect 0 "Example" $evaluate forecast --help
expect 0 "held out" $evaluate holdout "$out/store" --share 0.3 -o "$out/holdout.txt"
[ -s "$out/holdout.txt" ] || { echo "FAILED: holdout.txt is empty"; failures=$((failures + 1)); }

small="--season 1h --every 1m --horizons 1m,10m --feature bytes_in"
last="seasonal naive"
if [ "${LEARN:-OFF}" = ON ]; then small="$small --tree-rows 2000 --tree-rounds 5" last=trees; fi
expect 0 "$last" $evaluate forecast "$out/store" --holdout "$out/holdout.txt" $small -o "$out/report"
for file in forecast.json forecast.txt report.html; do
  [ -s "$out/report/$file" ] || { echo "FAILED: no $file"; failures=$((failures + 1)); }
done
grep -q '<section id="forecast">' "$out/report/report.html" || { echo "FAILED: no section"; failures=$((failures + 1)); }
expect 0 "persistence" $evaluate forecast "$out/store" $small --method persistence
expect 2 "known methods: seasonal naive" $evaluate forecast "$out/store" $small --method oracle
expect 2 "not a multiple of" $evaluate forecast "$out/store" --horizons 90s
expect 2 "no such feature" $evaluate forecast "$out/store" --feature bites
expect 2 "FROM/TO" $evaluate forecast "$out/store" --test tomorrow
expect 1 "--test 2050-01-01/2050-02-01: the store has no frame in that period" $evaluate forecast "$out/store" --season 1h --test 2050-01-01/2050-02-01
echo nobody >"$out/unknown.txt"
expect 1 "nobody" $evaluate forecast "$out/store" --holdout "$out/unknown.txt"
expect 1 "$out/none" $evaluate forecast "$out/none"
expect 1 "small enough" $evaluate holdout "$out/store" --share 0 -o "$out/h0.txt"

# With the model that comes with the program, in every build.
expect 0 "10.30.0.1,bytes_in,B," "$NETFLOWGEN" -q forecast "$out/store" -f csv
[ "$(cut -d, -f1 "$out/log" | sort -u | wc -l)" -gt 10 ] || { echo "FAILED: forecasts of a few nodes only"; failures=$((failures + 1)); }
grep '^10.30.0.1,' "$out/log" >"$out/of_all"
expect 0 "10.30.0.1,bytes_in" "$NETFLOWGEN" forecast "$out/store" --node 10.30.0.1 -f csv --threads 1
grep '^10.30.0.1,' "$out/log" | cmp - "$out/of_all" || { echo "FAILED: alone it is another forecast"; failures=$((failures + 1)); }
expect 0 "made at" "$NETFLOWGEN" forecast "$out/store" --node 10.30.0.1 --feature flows_in
expect 0 "<svg" "$NETFLOWGEN" forecast "$out/store" --node 10.30.0.1 -f html
expect 2 "a page is of one" "$NETFLOWGEN" forecast "$out/store" -f html
expect 1 "no node '10.9.9.9'" "$NETFLOWGEN" forecast "$out/store" --node 10.9.9.9
expect 1 "was silent up to 2000-01-01" "$NETFLOWGEN" forecast "$out/store" --at 2000-01-01
expect 0 "netflowgen head ddos" $evaluate ddos "$out/store" --labels "$out/sim/labels.csv" --model default --resamples 0 \
  --method "netflowgen head ddos"

if [ "${LEARN:-OFF}" = ON ]; then
  pretrain="$NETFLOWGEN -q pretrain $out/store --size nano --steps 2 --batch 2 --length 32"
  expect 0 "model written" $pretrain --exclude-nodes "$out/holdout.txt" --horizons 1m,10m --season 1h \
    --scales 5m,1h --min-active 0.05 -o "$out/model"
  expect 0 "netflowgen untrained" $evaluate forecast "$out/store" --holdout "$out/holdout.txt" $small \
    --model "$out/model" --method netflowgen --method "netflowgen untrained" --log "$out/model" -o "$out/report2"
  grep -q 'Fans of netflowgen' "$out/report2/report.html" || { echo "FAILED: no fans"; failures=$((failures + 1)); }
  expect 1 "does not forecast" $evaluate forecast "$out/store" --model "$out/model" --horizons 2m
  expect 0 "frames" "$NETFLOWGEN" -q series "$out/sim/flows.csv.zst" --nodes 10.30.0.0/26 --step 5m -o "$out/store5"
  expect 1 "steps of 60000 ms" $evaluate forecast "$out/store5" --model "$out/model" --horizons 10m
  # The defaults forecast what the README asks for, as far as the archive goes.
  expect 0 "frames of 18 nodes" "$NETFLOWGEN" -q pretrain "$out/store" --size nano --steps 2 --batch 2 --length 32 -o "$out/plain"
  expect 0 "netflowgen" $evaluate forecast "$out/store" --model "$out/plain" --horizons 1m,15m --season 1h --every 1m --no-untrained \
    --tree-rows 2000 --tree-rounds 5
  expect 1 "trees: no training step has a known future 60 steps later" $evaluate forecast "$out/store" --model "$out/plain" \
    --horizons 1m,1h --season 1h --tree-rows 2000 --tree-rounds 5
  expect 0 "T11:48" "$NETFLOWGEN" forecast "$out/store" --model "$out/plain" --node 10.30.0.1
  expect 1 "--validation: the store has no frame from 2050-01-01" $pretrain --validation 2050-01-01/2050-02-01 -o "$out/m5"
  expect 1 "--train: the store has no frame from 2050-01-01" $pretrain --train 2050-01-01/2050-02-01 -o "$out/m5"

  # Nothing is known of one node, nor of one feature of another: no forecast, and no zero.
  { echo t,node,in,out
    for i in $(seq 0 60); do echo "$((1767225600 + i * 300)),10.0.0.1,$((1000 + i)),200
$((1767225600 + i * 300)),10.0.0.31,$((1000 + i)),
$((1767225600 + i * 300)),10.0.0.32,,"; done; } >"$out/rates.csv"
  printf 'kind: rates\nnode: node\ntime: {column: t, format: unix}\ninterval: 5m\nrates: {bytes_in: in, bytes_out: out}\n' >"$out/map.yaml"
  expect 0 "frames" "$NETFLOWGEN" -q series "$out/rates.csv" --map "$out/map.yaml" --step 5m --timezone Europe/Berlin -o "$out/rates"
  expect 0 "little to learn from" "$NETFLOWGEN" -q pretrain "$out/rates" --size nano --steps 2 --batch 2 --length 32 -o "$out/m6"
  grep -q '"timezone": "Europe/Berlin"' "$out/m6/config.json" || { echo "FAILED: no time zone in the model"; failures=$((failures + 1)); }
  expect 1 "nothing is known of 10.0.0.32" "$NETFLOWGEN" forecast "$out/rates" --model "$out/m6" --node 10.0.0.32
  expect 0 "10.0.0.31,bytes_in" "$NETFLOWGEN" forecast "$out/rates" --model "$out/m6" --node 10.0.0.31 -f csv
  grep -q '^10.0.0.31,bytes_out,[^,]*,[^,]*,,,,,,,,,$' "$out/log" || { echo "FAILED: bytes_out is not empty"; failures=$((failures + 1)); }
  grep -q '^10.0.0.31,bytes_in,[^,]*,[^,]*,[0-9]' "$out/log" || { echo "FAILED: bytes_in is empty"; failures=$((failures + 1)); }
  expect 0 "No value of bytes_out was ever observed" "$NETFLOWGEN" forecast "$out/rates" --model "$out/m6" --node 10.0.0.31 -f html
  expect 0 "10.0.0.1 " "$NETFLOWGEN" inspect "$out/rates"
  grep -Eq '^10.0.0.32 +[0-9]+ +- +- ' "$out/log" || { echo "FAILED: inspect shows what is not known as a number"; failures=$((failures + 1)); }
  expect 2 "leave out --features" "$NETFLOWGEN" series "$out/rates.csv" --map "$out/map.yaml" --step 5m --features bytes -o "$out/r2"
  expect 2 "unknown time zone 'Europe/Berln'" "$NETFLOWGEN" series "$out/rates.csv" --map "$out/map.yaml" --step 5m --timezone Europe/Berln -o "$out/r2"

  sed 's/"schema": *"[0-9a-f]*"/"schema": "0123456789abcdef"/' "$out/model/tokens.json" >"$out/tokens.json"
  cp -r "$out/model" "$out/other" && cp "$out/tokens.json" "$out/other/tokens.json"
  expect 1 "tokens.json" $evaluate forecast "$out/store" --model "$out/other" --horizons 1m
  expect 2 "order" "$NETFLOWGEN" pretrain "$out/store" --scales 1h,5m -o "$out/model3"

  # A model goes on learning on another store: its inputs stay, its heads do not come along.
  shipped=$SOURCE_DIR/models/default
  expect 0 "model written" "$NETFLOWGEN" -q pretrain "$out/store" --from "$shipped" --steps 2 --batch 2 --length 32 -o "$out/on"
  grep -q "begun with the weights of" "$out/on/card.md" || fail "the card of a model that went on does not say from where"
  grep -q '"tasks": \[\]' "$out/on/config.json" || ! grep -q '"tasks"' "$out/on/config.json" || fail "heads of the old weights came along"
  cmp -s "$shipped/tokens.json" "$out/on/tokens.json" || fail "a model that went on has other tokens"
  cmp -s "$shipped/model.safetensors" "$out/on/model.safetensors" && fail "a model that went on has learnt nothing"
  expect 0 "netflowgen" "$NETFLOWGEN" -q evaluate forecast "$out/store" --model "$out/on" --no-untrained --horizons 1m --every 10m --method netflowgen
  expect 2 "--scales cannot be changed" "$NETFLOWGEN" pretrain "$out/store" --from "$shipped" --scales 5m -o "$out/x"
  expect 1 "cannot open" "$NETFLOWGEN" pretrain "$out/store" --from "$out/nowhere" -o "$out/x"
  expect 2 "not for --corpus" "$NETFLOWGEN" pretrain --corpus "$SOURCE_DIR/configs/corpora/default.yaml" --from "$shipped" -o "$out/x"
  expect 2 "--horizons is for one store, not for --corpus" "$NETFLOWGEN" pretrain --corpus "$SOURCE_DIR/configs/corpora/default.yaml" --horizons 1h -o "$out/x"
  expect 2 "--train is for one store" "$NETFLOWGEN" pretrain --corpus "$SOURCE_DIR/configs/corpora/default.yaml" --train 2024-01-01/2024-01-02 -o "$out/x"
  expect 2 "of preset universal, not paper" "$NETFLOWGEN" pretrain --corpus "$SOURCE_DIR/configs/corpora/default.yaml" --preset paper -o "$out/x"
  expect 2 "in ascending order" "$NETFLOWGEN" pretrain --corpus "$SOURCE_DIR/configs/corpora/default.yaml" --scales 1h,5m -o "$out/x"
fi
[ $failures -eq 0 ] && echo "forecast: all as expected"
exit $((failures > 0))
