# What there is: demo test check proto clean (README.md says when to use which).
VENV ?= .venv
PY := $(VENV)/bin/python
PROTOS := $(shell find proto -name '*.proto')
PB ?= chatd/pb

.PHONY: proto

# The import lines are rewritten because protoc knows no package above its root.
proto: 
	rm -rf $(PB)/*/
	$(PY) -m grpc_tools.protoc -Iproto --python_out=$(PB) --pyi_out=$(PB) $(PROTOS)
	find $(PB) -name '*.py*' -exec sed -i -E 's/^from (admin|chat|events|gateway|node)\.v1 import/from chatd.pb.\1.v1 import/' {} +
	find $(PB) -mindepth 1 -type d -exec touch {}/__init__.py \;
