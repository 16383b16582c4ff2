set -e
old=${1:?the program of the version before tombstones}
export GIT_AUTHOR_NAME=Ada GIT_AUTHOR_EMAIL=ada@example.com GIT_COMMITTER_NAME=Ada GIT_COMMITTER_EMAIL=ada@example.com
export GIT_CONFIG_NOSYSTEM=1 HOME=$PWD
git init -q -b main /tmp/specs
commit() { GIT_AUTHOR_DATE="$1" GIT_COMMITTER_DATE="$1" git -C /tmp/specs add -A; GIT_AUTHOR_DATE="$1" GIT_COMMITTER_DATE="$1" git -C /tmp/specs commit -qm "$2"; }
head='apiVersion: wedatasync/v1\ndefaults: {projectId: "10"}\ncommits:\n'
printf "$head"'- {taskId: kept, commitType: resume, instanceVersion: 3}\n' >/tmp/specs/kept.yaml
printf "$head"'- {taskId: discards, commitType: restart-discard-state, instanceVersion: 5, discardState: 5, versionDesc: v5}\n' >/tmp/specs/discards.yaml
printf "$head"'- {taskId: reruns, commitType: start, instanceVersion: 1, rerun: one}\n' >/tmp/specs/reruns.yaml
printf "$head"'- {taskId: plain, commitType: submit, extConfig: {k: v}}\n' >/tmp/specs/plain.yaml
printf "$head"'- {taskId: adopted, commitType: resume, instanceVersion: 2}\n' >/tmp/specs/adopted.yaml
# one that is taken over without a call, before the first pass
mkdir taken; printf "$head"'- {taskId: taken, commitType: resume, instanceVersion: 7}\n' >/tmp/specs/taken.yaml
mkdir -p hide; mv /tmp/specs/[a-r]*.yaml hide/
commit 2025-12-31T00:00:00Z taken
$old state import --from-source --simulate --source file:///tmp/specs --state s.db
mv hide/* /tmp/specs/
commit 2026-01-01T00:00:00Z first
cat >wedatasync.yaml <<C
guards:
  maxChanges: 5
C
run() { $old run --once --simulate --source file:///tmp/specs --state s.db; }
run
# the second version of one, then all but two are removed; adopted was taken over, never sent
sed -i 's/Version: 1/Version: 2/; s/rerun: one/rerun: two/' /tmp/specs/reruns.yaml
commit 2026-01-02T00:00:00Z second
run
git -C /tmp/specs rm -q discards.yaml reruns.yaml plain.yaml taken.yaml
commit 2026-01-03T00:00:00Z third
run
rm wedatasync.yaml; echo 'guards: {maxChanges: 1}' >wedatasync.yaml
sed -i 's/Version: 3/Version: 4/' /tmp/specs/kept.yaml
sed -i 's/Version: 2/Version: 3/' /tmp/specs/adopted.yaml
commit 2026-01-04T00:00:00Z fourth
hash=$($old plan --simulate --source file:///tmp/specs --state s.db -o json | sed -n 's/.*"plan_hash": *"sha256:\([0-9a-f]*\)".*/\1/p')
echo $hash
$old approve --state s.db --as ada ${hash%????????????????????????????????????????????????????????}
