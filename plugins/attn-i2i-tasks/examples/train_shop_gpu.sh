#!/usr/bin/env bash
# Trains the shop models at 256 pixels on a GPU in some twelve minutes, each for the same time:
#   train_shop_gpu.sh WORK [OUT]      the models are copied to OUT, WORK/models by default
# EACH=SECONDS is what one model gets; the same line again goes on with all of them for as long.
# DEVICE, SIDE, WIDTH, BATCH and MODELS change the rest: DEVICE=cpu SIDE=128 WIDTH=4 BATCH=1 EACH=90 tries it anywhere.
set -euo pipefail
work=$1
out=${2:-$work/models}
side=${SIDE:-256} width=${WIDTH:-28} batch=${BATCH:-8}  # 28: two directions in float16 take 5 MB
mkdir -p "$work" "$out"
[ -d "$work/shop" ] || attn-i2i task shop "$work/shop"

common=(--data "$work/shop" --crop-size "$side" --load-size "$((side * 9 / 8))" --device "${DEVICE:-cuda}"
    --batch-size "$batch" --cache --seed 0 --ema 0.999 --save-every 500 --sample-every 1000
    --set learning_rate=0.0003 --set width="$width" --set blocks=4 --set discriminator_rate=2)
endless=(--set epochs=100000 --set decay_epochs=0)  # time ends the training, at a constant rate
for model in ${MODELS:-attentiongan2 ugatit cyclegan}; do
    run=$work/$model-shop
    case $model in
    attentiongan2) own=("${endless[@]}" --set masks=4 --set attention_kernel=3 --set cycle=1 --set identity=0) ;;
    ugatit) own=(--set steps=10000000 --set light=true) ;;
    *) own=("${endless[@]}") ;;
    esac
    if [ -d "$run/checkpoints" ]; then what=(--resume -o "$run"); else what=("$model" -o "$run" "${common[@]}" "${own[@]}"); fi
    # TERM lets a training save and write its model; it exits with 124 from timeout, or 0 if it ended by itself.
    timeout --signal=TERM "${EACH:-220}" attn-i2i train "${what[@]}" || [ $? -eq 124 ]
    [ -d "$run/model" ] || { echo "$model: EACH=${EACH:-220} seconds did not suffice to begin" >&2; exit 1; }
    rm -rf "$out/$model-apple2orange-shop"
    cp -r "$run/model" "$out/$model-apple2orange-shop"
done
