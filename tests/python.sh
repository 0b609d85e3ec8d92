# The Python package of this build (NETFLOWGEN_PYTHON=ON), beside this build's program. Skipped without it, or where Python lacks
# what the tests need (scripts/setup python).
set -u
package=$(dirname "$NETFLOWGEN")/python
python=$SOURCE_DIR/build/python-venv/bin/python
[ -x "$python" ] || python=python3
[ -e "$package/netflowgen/_core.abi3.so" ] || { echo "skipped: this build has no Python package"; exit 77; }
"$python" -c 'import nanobind_backend, numpy, pandas, pytest' 2>/dev/null || { echo "skipped: no pytest or pandas"; exit 77; }
PYTHONPATH=$package exec "$python" -m pytest -q -p no:cacheprovider "$SOURCE_DIR/python/tests"
