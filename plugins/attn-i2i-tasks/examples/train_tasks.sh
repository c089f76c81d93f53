#!/usr/bin/env bash
# Trains the models of the tasks, each seeded, interruptible and resumed where it stopped:
#   train_tasks.sh WORK MODEL...      WORK keeps the folders of the tasks and the runs
# A finished run is then put into the zoo: python ship.py WORK/MODEL/model ZOO/MODEL --licence "CC-BY-SA-4.0"
# The nuclei's model is trained twice: first without a floor under its masks, then some hundred steps with one. The
# floor that ships was chosen on the validation pictures by choose_floor.py, and given by ship.py --set mask_floor=0.16.
# The baselines cyclegan-... have the same data, steps, widths and discriminators.
# bf16 is what the models that ship were trained in, on a CPU that has it; others compute it slowly.
set -euo pipefail
work=$1
shift
mkdir -p "$work"

train() {
    local data=$1 name=$2 recipe=$3 run=$work/$2
    shift 3
    [ -d "$data" ] || attn-i2i task "$(basename "$data")" "$data"
    if [ -d "$run" ]; then
        attn-i2i train --resume -o "$run"
        return
    fi
    attn-i2i train "$recipe" --data "$data" -o "$run" --crop-size 128 --workers 0 --seed 0 \
        --save-every 200 --sample-every 400 --ema 0.995 --batch-size 2 --precision bf16 --set width=16 --set blocks=4 \
        --set discriminator_width=32 --set discriminator_layers=3 --set discriminator_rate=2 "$@"
}

# Three epochs of 900 steps; the learning rate falls to zero over the last.
fruit=(--load-size 128 --no-flip --cache --set epochs=2 --set decay_epochs=1 --set learning_rate=0.0003)
# Sixteen epochs of 140 steps, at the pictures' own scale; the learning rate falls to zero over the last half.
nuclei=(--load-size native --set epochs=8 --set decay_epochs=8 --set learning_rate=0.0003)
# Twenty-three epochs of 122 steps; the learning rate falls to zero over the last eight.
shop=(--load-size 144 --cache --set epochs=15 --set decay_epochs=8 --set learning_rate=0.0003)
# A light cycle term opens the masks within some hundred steps.
masks=(--set masks=4 --set attention_kernel=3 --set cycle=1 --set identity=0)
for name in "$@"; do
    case $name in
    attentiongan2-apple2orange-fruit)
        train "$work/fruit" "$name" attentiongan2 "${fruit[@]}" "${masks[@]}" ;;
    cyclegan-apple2orange-fruit)
        train "$work/fruit" "$name" cyclegan "${fruit[@]}" ;;
    attentiongan2-apple2orange-shop)
        train "$work/shop" "$name" attentiongan2 "${shop[@]}" --set preset=open --set masks=4 ;;
    cyclegan-apple2orange-shop)
        train "$work/shop" "$name" cyclegan "${shop[@]}" ;;
    # The space between nuclei is dark wherever one looks: nothing but the area's price keeps masks away from it.
    attentiongan2-nuclei)
        train "$work/nuclei" "$name-open" attentiongan2 "${nuclei[@]}" "${masks[@]}" --set objective.mask-area=0.3
        train "$work/nuclei" "$name" attentiongan2 --load-size native --from "$work/$name-open/model" --seed 1 \
            --range 0,8512 --ema 0.99 --steps 280 --set epochs=1 --set decay_epochs=4 --set learning_rate=0.0002 \
            --set masks=4 --set attention_kernel=3 --set cycle=2 --set identity=0 --set objective.mask-area=0.3 \
            --set generator.mask_floor=0.05 ;;
    cyclegan-nuclei)
        train "$work/nuclei" "$name" cyclegan "${nuclei[@]}" ;;
    *)
        echo "no model is named $name" >&2
        exit 2 ;;
    esac
done
