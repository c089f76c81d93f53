#!/usr/bin/env bash
# Trains the models that ship with attn-i2i, each seeded, interruptible and resumed where it stopped:
#   train_zoo.sh WORK [MODEL...]      WORK keeps the data sets and the runs; without MODEL all are trained
# A finished run is then put into the zoo: python ../ship.py WORK/MODEL/model ZOO/MODEL
set -euo pipefail
work=$1
shift
mkdir -p "$work"
models=(attentiongan2-flat2clay cyclegan-flat2clay ugatit-flat2clay aggan-flat2clay attentiongan1-emoji)

emoji() {
    [ -d "$1" ] || attn-i2i task emoji "$1" --size 64 --styles "$2" --seed 0 --backgrounds calm --per-glyph 4
}

train() {
    local data=$1 name=$2 recipe=$3 run=$work/$2
    shift 3
    local resume=()
    [ -d "$run" ] && resume=(--resume)
    attn-i2i train "$recipe" --data "$data" -o "$run" --crop-size 64 --load-size 64 --no-flip --cache --workers 0 \
        --seed 0 --save-every 1000 --sample-every 1000 --ema 0.998 "${resume[@]}" "$@"
}

# The folders of models, separated by commas.
folders() {
    local found
    printf -v found ",$work/%s/model" "$@"
    echo "${found:1}"
}

size=(--set width=16 --set blocks=4 --set discriminator_width=32 --set discriminator_layers=3)
# Twelve epochs of 1,250 steps: seven at the full learning rate, five that fall to zero.
pairs=(--batch-size 2 --set epochs=7 --set decay_epochs=5 "${size[@]}")

for name in "${@:-${models[@]}}"; do
    case $name in
    *-flat2clay) emoji "${data:=$work/flat2clay}" flat,clay ;;
    *) emoji "${data:=$work/emoji}" flat,clay,noto,twemoji ;;
    esac
    case $name in
    # A heavy cycle or identity term shuts the masks, and guided discriminators tell the fake by a mask that fits it.
    # So they open under a light one; a heavier one then keeps what they show true to the picture. What these trainings,
    # a guided one that ends early, AGGAN and the baseline agree in is learnt by one network. Two more learn to undo
    # what the generators of the other direction do, of the models that change colours freely. The model that ships is
    # the mean of all this: a teacher that is named twice counts twice.
    attentiongan2-flat2clay)
        bash "$0" "$work" cyclegan-flat2clay aggan-flat2clay ugatit-flat2clay
        shape=(--set masks=4 --set identity=0)
        masks=("${pairs[@]}" "${shape[@]}" --set attention_kernel=3 --set discriminator_rate=4)
        train "$data" attentiongan2-opened attentiongan2 "${masks[@]}" --set cycle=0.3 --set learning_rate=0.0002
        masks+=(--set cycle=3 --set learning_rate=0.0001)
        train "$data" attentiongan2-true attentiongan2 "${masks[@]}" --set epochs=1 --set decay_epochs=1 \
            --from "$work/attentiongan2-opened/model"
        train "$data" attentiongan2-longer attentiongan2 "${masks[@]}" --set epochs=2 --set decay_epochs=4 \
            --from "$work/attentiongan2-true/model"
        train "$data" attentiongan2-guided attentiongan2 "${size[@]}" "${shape[@]}" --batch-size 4 --seed 1 \
            --set guided=true --set discriminator_layers=2 --set cycle=5 --set learning_rate=0.0004 \
            --set epochs=3 --set decay_epochs=2
        taught=(--batch-size 4 --set width=16 --set blocks=4 --set masks=4 --set attention_kernel=3)
        train "$data" attentiongan2-agreed attentiongan2-distilled "${taught[@]}" --set steps=4000 \
            --set "teachers=$(folders attentiongan2-{opened,true,longer,guided} {aggan,cyclegan}-flat2clay)"
        returned=("${taught[@]}" --set steps=2000 --set shift=6)
        returned+=(--set "masked_by=$(folders attentiongan2-agreed)")
        train "$data" attentiongan2-returned attentiongan2-backtranslated "${returned[@]}" \
            --set "teachers=$(folders cyclegan-flat2clay)"
        train "$data" attentiongan2-returned-2 attentiongan2-backtranslated "${returned[@]}" --seed 1 --set seed=1 \
            --set noise=0.12 --set "teachers=$(folders {cyclegan,ugatit}-flat2clay)"
        teachers=$(folders attentiongan2-{agreed,agreed,returned,returned,returned-2} ugatit-flat2clay attentiongan2-longer)
        train "$data" "$name" attentiongan2-distilled "${taught[@]}" --set steps=2400 --set learning_rate=0.0005 \
            --set "teachers=$teachers" --from "$work/attentiongan2-agreed/model" ;;
    cyclegan-flat2clay)
        train "$data" "$name" cyclegan "${pairs[@]}" --set learning_rate=0.0002 ;;
    # At the published weight the CAM loss is all that a small encoder learns from: the colours come back at 10.
    ugatit-flat2clay)
        light=(--set light=true --set image_size=64 --set width=16 --set discriminator_width=16
            --set discriminator_global_layers=6 --set discriminator_local_layers=4 --set steps=8000)
        train "$data" ugatit-styled ugatit "${light[@]}" --batch-size 1 --set learning_rate=0.0002
        train "$data" "$name" ugatit "${light[@]}" --batch-size 2 --set learning_rate=0.0003 --set adversarial=0.3 \
            --set cam=10 --from "$work/ugatit-styled/model" ;;
    aggan-flat2clay)
        train "$data" "$name" aggan "${size[@]}" --batch-size 2 --set learning_rate=0.0002 --set cycle=0.2 \
            --set warmup_epochs=3 --set epochs=5 ;;
    # A generator that learns beside a classifier of styles paints marks that please it, each at a place of its own. So
    # the discriminator learns alone first, is shown shifted images, and what it says of styles counts little after.
    attentiongan1-emoji)
        domains=(--batch-size 6 --set width=16 --set blocks=4 --set discriminator_width=32
            --set discriminator_layers=4 --set learning_rate=0.0002 --set discriminator_rate=3 --set shift=10)
        train "$data" attentiongan1-discriminator attentiongan1-multidomain "${domains[@]}" --set n_critic=1000000 \
            --set real_classification=5 --set steps=4000 --set decay_steps=0
        train "$data" "$name" attentiongan1-multidomain "${domains[@]}" --set n_critic=2 --set cycle=1.5 \
            --set classification=0.1 --set real_classification=48 --set steps=8000 --set decay_steps=4000 \
            --from "$work/attentiongan1-discriminator/model" ;;
    *)
        echo "no model is named $name: ${models[*]}" >&2
        exit 2 ;;
    esac
    unset data
done
