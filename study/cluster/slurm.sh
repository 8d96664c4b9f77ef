#!/usr/bin/env bash
# A study on SLURM nodes: Ray is started on all of them, the study runs on the first, Ray is stopped again.
#
#   sbatch study/cluster/slurm.sh --grid paper --seeds 10
#   sbatch --nodes=8 --time=24:00:00 study/cluster/slurm.sh --search mlp --trials 200
#
# Submit it from the repository's folder, which all nodes see. What follows the script's name goes to study/run.py.
# The same command again goes on with what is missing. Fill in the lines marked FILL IN.

#SBATCH --job-name=binarygan
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --exclusive
#SBATCH --cpus-per-task=8
#SBATCH --gpus-per-node=1
#SBATCH --time=12:00:00
#SBATCH --output=binarygan-%j.log
# FILL IN where your site asks for them, and take one # away:
##SBATCH --partition=<PARTITION>
##SBATCH --account=<ACCOUNT>

set -euo pipefail

repository=${BINARYGAN_REPOSITORY:-$SLURM_SUBMIT_DIR}
environment=${BINARYGAN_ENVIRONMENT:-$repository/.venv} # FILL IN: Python with the project in it (`make venv`)
results=${BINARYGAN_RESULTS:-$repository/results}       # FILL IN: on a file system that all nodes share
tokens=${BINARYGAN_TOKENS:-$HOME/.ray-binarygan}        # FILL IN: likewise, yours alone

# Whoever reaches Ray's ports runs code as you, and other users of the cluster can reach them: Ray asks for a token,
# a new one each job, in a file that nobody else can read and that goes with the job.
token=$tokens/job-$SLURM_JOB_ID
trap 'rm -f "$token"' EXIT
(umask 077 && mkdir -p "$tokens" && "$environment/bin/python" -c 'import secrets; print(secrets.token_hex(32))' > "$token")
export RAY_AUTH_MODE=token
export RAY_AUTH_TOKEN_PATH=$token

# This script runs on the first node, which is to be Ray's head. Ray compares addresses: a name that /etc/hosts maps
# to loopback would not do.
head=${BINARYGAN_HEAD:-$(hostname -I | cut -d ' ' -f 1)}:6379

export RAY_SYMMETRIC_RUN_CLUSTER_WAIT_TIMEOUT=300
export RAY_USAGE_STATS_ENABLED=0
export PYTHONUNBUFFERED=1
export PATH=$environment/bin:$PATH
cd "$repository"

# Sockets and logs in a folder of the job's own on every node: /tmp/ray may be somebody else's.
export RAY_TMPDIR=/tmp/ray-$SLURM_JOB_ID
on_each_node() {
  { mkdir -m 700 "$RAY_TMPDIR" 2> /dev/null || [ -O "$RAY_TMPDIR" ]; } && trap 'rm -rf "$RAY_TMPDIR"' EXIT &&
    ray symmetric-run "$@"
}
export -f on_each_node

# Options given after the script's name come last, so they win.
srun --ntasks="$SLURM_JOB_NUM_NODES" --ntasks-per-node=1 --cpus-per-task="$SLURM_CPUS_PER_TASK" \
  bash -c 'on_each_node "$@"' bash --address "$head" --min-nodes "$SLURM_JOB_NUM_NODES" \
  --num-cpus "$SLURM_CPUS_PER_TASK" --num-gpus "${SLURM_GPUS_ON_NODE:-0}" -- \
  python study/run.py --device cuda --results "$results" --address "$head" "$@"
