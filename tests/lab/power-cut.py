"""One run of tests/lab/power-cut: STORE_LAB WORK ROUNDS SEED. Expects to be alone in its mount namespace."""

import fcntl
import json
import os
import random
import shutil
import struct
import subprocess
import sys
import time

LAB, WORK, ROUNDS, SEED = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
MOUNT, IMAGE = f"{WORK}/mnt", f"{WORK}/image"
STORE, ACKS = f"{MOUNT}/data/store", f"{WORK}/acks"
IMAGE_BYTES = 512 << 20
ROUNDS_PER_IMAGE = 10
# _IOR('X', 125, __u32) and EXT4_GOING_FLAGS_NOLOGFLUSH of the kernel's fs/ext4/ext4.h.
EXT4_IOC_SHUTDOWN, NO_LOG_FLUSH = 0x8004587D, 2


def sh(*args):
    subprocess.run(args, check=True, stdout=subprocess.DEVNULL)


def new_image():
    if os.path.exists(IMAGE):
        os.remove(IMAGE)
    with open(IMAGE, "wb") as image:
        image.truncate(IMAGE_BYTES)
    sh("mkfs.ext4", "-q", "-F", IMAGE)
    open(ACKS, "w").close()


def cut():
    fd = os.open(MOUNT, os.O_RDONLY)
    fcntl.ioctl(fd, EXT4_IOC_SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
    os.close(fd)


def one_cut(dice, seed):
    """Runs a writer and cuts; gives back how, and what was acknowledged before."""
    # Debug output of a crash belongs to the medium's end, not to the result.
    writer = subprocess.Popen([LAB, "write", STORE, str(seed)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    how = dice.choice(["loaded", "loaded", "loaded", "killed", "opening"])
    acks = []

    def line():
        text = writer.stdout.readline()
        if text.startswith(b"ack ") and text.endswith(b"\n"):
            acks.append(text)
        return text

    assert line() == b"opening\n"
    if how == "opening":
        time.sleep(dice.random() * 0.05)
    else:
        count = dice.randint(1, 1500)
        while len(acks) < count and line():
            pass
        time.sleep(dice.random() * 0.005)
    if how == "killed":
        writer.kill()
    cut()
    writer.kill()
    while line():
        pass
    writer.wait()
    with open(ACKS, "ab") as out:
        out.writelines(acks)
    return how, set(acks)


def lab(*args):
    done = subprocess.run([LAB, *args], capture_output=True, text=True)
    return done.returncode, done.stdout.strip(), done.stderr.strip()


def main():
    dice = random.Random(SEED)
    total, cuts, failures = 0, {"loaded": 0, "killed": 0, "opening": 0}, []
    for number in range(ROUNDS):
        if number % ROUNDS_PER_IMAGE == 0:
            new_image()
            known = set()
        sh("mount", "-o", "loop", IMAGE, MOUNT)
        # Every other round repeats the commands of the one before.
        how, acked = one_cut(dice, SEED + number // 2)
        sh("umount", MOUNT)
        sh("mount", "-o", "loop", IMAGE, MOUNT)
        code, out, err = lab("check", STORE, ACKS)
        copy = f"{WORK}/copy"
        vcode, vout, verr = lab("verify", STORE, copy)
        shutil.rmtree(copy, ignore_errors=True)
        sh("umount", MOUNT)
        # A repeat is acknowledged again; it counts once.
        new, known = len(acked - known), known | acked
        total, cuts[how] = total + new, cuts[how] + 1
        bad = code != 0 or vcode != 0
        print(f"round {number}: cut {how}, {new} newly acknowledged, {'LOST' if bad else 'whole'}: {out}", flush=True)
        if bad:
            failures.append({"round": number, "how": how, "check": [code, out, err], "verify": [vcode, vout, verr]})
            break
    result = {"ok": not failures, "seed": SEED, "rounds": sum(cuts.values()), "cuts": cuts, "acknowledged": total,
              "failures": failures}
    print(json.dumps(result))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
