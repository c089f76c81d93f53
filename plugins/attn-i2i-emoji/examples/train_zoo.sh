#!/usr/bin/env bash
# Trains the models that ship with attn-i2i, each seeded, interruptible and resumed where it stopped:
#   train_zoo.sh WORK [MODEL...]      WORK keeps the data set and the runs; without MODEL all are trained
# A finished run is then put into the zoo: python ship.py WORK/MODEL/model ZOO/MODEL
set -euo pipefail
work=$1
shift
mkdir -p "$work"
data=$work/flat2clay
[ -d "$data" ] || attn-i2i emoji "$data" --size 64 --styles flat,clay --seed 0 --backgrounds calm --per-glyph 4
common=(--data "$data" --batch-size 4 --crop-size 64 --load-size 64 --no-flip --cache --workers 0 --seed 0
    --save-every 200 --sample-every 200 --ema 0.998)
# Five epochs of 624 steps: three at the full learning rate, two that fall to zero.
budget=(--steps 3120 --set epochs=3 --set decay_epochs=2 --set learning_rate=0.0004)

train() {
    local name=$1 recipe=$2 run=$work/$1
    shift 2
    local resume=()
    [ -d "$run" ] && resume=(--resume)
    attn-i2i train "$recipe" "${common[@]}" -o "$run" "${resume[@]}" "$@"
}

small=(--set width=24 --set blocks=4 --set discriminator_width=32 --set discriminator_layers=2)
for model in "${@:-attentiongan2-flat2clay cyclegan-flat2clay}"; do
    for name in $model; do
        case $name in
        # Without the identity term and with a lighter cycle the masks leave zero; the guided discriminators need them.
        attentiongan2-flat2clay)
            train "$name" attentiongan2 "${budget[@]}" "${small[@]}" --set masks=4 --set guided=true \
                --set identity=0 --set cycle=5 ;;
        cyclegan-flat2clay)
            train "$name" cyclegan "${budget[@]}" "${small[@]}" --set identity=0 --set cycle=5 ;;
        *)
            echo "no model is named $name: attentiongan2-flat2clay, cyclegan-flat2clay" >&2
            exit 2 ;;
        esac
    done
done
