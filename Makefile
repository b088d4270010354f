# Everything the course can do, as commands; `make` lists them.
# Works with the make of Linux and of macOS (GNU make 3.81), from a folder whose name holds spaces.

.DEFAULT_GOAL := help
.NOTPARALLEL:          # notebooks train networks: two at a time would only get in each other's way
unexport PYTHONPATH PYTHONHOME
.PHONY: help course test slow lab outputs text studies results site release grade feedback bench faults lock oldest newest clean FORCE

RUN   := .venv/bin/python
STAMP := .venv/installed-in
TWO   := -n 2 --dist loadfile

help:
	@echo 'Usage: make <command>'
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile

course: $(STAMP) ## execute every notebook, quickly, on the sample; pages in build/course
	$(RUN) notebooks/commands/execute.py course

# Two files at a time, each in a process of its own: most tests leave a core idle. Progress bars
# appear only where a machine is slow, so none may be compared.
test: $(STAMP) ## run all checks: style, unit tests, every notebook
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m pytest $(TWO) tests
	COURSE_TIER=quick COURSE_DATA=sample TQDM_DISABLE=1 \
	  $(RUN) -m pytest $(TWO) --nbval --nbval-kernel-name warm --ignore=notebooks/coursework notebooks

slow: $(STAMP) ## run the slow tests: hostile submissions, whole gradings, the site in a browser
	$(RUN) -m pytest $(TWO) -m slow tests

lab: $(STAMP) ## open JupyterLab on the first notebook
	PYTHONSTARTUP='$(CURDIR)/notebooks/commands/hints_startup.py' \
	  $(RUN) -m jupyterlab --LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb

outputs: $(STAMP) ## execute notebooks in full, in place: all, or NB=07; SOLUTIONS=1 these, too
	$(RUN) notebooks/commands/execute.py outputs $(if $(SOLUTIONS),--solutions) $(NB)

text: $(STAMP) ## write numbers and pictures' texts anew from claims and captions: all, or NB=07
	$(RUN) notebooks/commands/execute.py text $(NB)

# Kill it and start it again at will; started twice at once, the two share the work.
studies: $(STAMP) ## train the rows that the studies lack; NAME=… STORAGE=postgresql://…
	$(RUN) notebooks/commands/studies.py $(NAME) $(if $(STORAGE),--storage '$(STORAGE)')

site: $(STAMP) ## build the web pages in build/site from the notebooks as committed
	$(RUN) site/build.py

results: $(STAMP) ## write what the notebooks claim into README.md and the site; its picture
	$(RUN) notebooks/commands/results.py
	$(RUN) site/picture.py

release: $(STAMP) ## write the students' versions of the coursework; NAME=… picks one
	$(RUN) notebooks/coursework/grading/grade.py release $(NAME)

# Kill it and start it again at will. SANDBOX=none runs students' code unprotected.
grade: $(STAMP) ## grade what lies in notebooks/coursework/submitted; NAME=… picks one
	SANDBOX='$(SANDBOX)' $(RUN) notebooks/coursework/grading/grade.py grade $(NAME)

feedback: $(STAMP) ## write the pages again, after marking by hand; NAME=… picks one
	$(RUN) notebooks/coursework/grading/grade.py feedback $(NAME)

bench: $(STAMP) ## measure speed and memory against what most do; ROWS=…
	$(RUN) notebooks/commands/bench.py

# Kills processes, fills disks of memory (as root), starts servers: all in temporary folders.
faults: $(STAMP) ## break the course and count what survives; SHARE=0.01, NAME=kills
	$(RUN) notebooks/commands/faults.py $(if $(SHARE),--share $(SHARE)) $(NAME)

# Installs the new lock as well, so that "make lock test" tests what was locked.
lock: $(STAMP) ## write requirements.lock from environment.yml; UPGRADE=1
	$(RUN) notebooks/commands/lock.py $(if $(UPGRADE),--upgrade)
	@$(MAKE) --no-print-directory $(STAMP)

oldest: $(STAMP) ## execute every notebook with the oldest packages that environment.yml allows
	$(call try,lowest-direct)

newest: $(STAMP) ## execute every notebook with the newest packages that environment.yml allows
	$(call try,highest)

clean: ## remove what make made: .venv, build and caches
	rm -rf .venv build .pytest_cache .ruff_cache

# --- the environment -------------------------------------------------------------------------
# The stamp is written last and holds the folder it was written in. It is out of date when the
# lock or the package changed, when the checkout was moved (scripts in .venv name their folder),
# or when .venv has lost its Python.

ifneq ($(shell $(RUN) -c '' 2>/dev/null && cat $(STAMP) 2>/dev/null),$(shell pwd -P))
$(STAMP): FORCE
endif

$(STAMP): requirements.lock pyproject.toml
	@$(create-venv)
	@rm -f $(STAMP)
	@echo 'Installing the packages of requirements.lock into .venv (minutes, the first time)'
	@$(RUN) -m pip install --disable-pip-version-check --require-hashes -r requirements.lock \
	  || { $(install-failed); }
	@$(RUN) -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation -e . \
	  || { $(install-failed); }
	@pwd -P > $(STAMP)
	@echo 'Installed.'

# An environment of its own in build; the one in .venv stays as it is.
define try
mkdir -p build
$(RUN) notebooks/commands/lock.py --list > build/$@.txt
$(RUN) -m uv venv --clear --quiet build/$@
$(RUN) -m uv pip install --python build/$@/bin/python --resolution $(1) -r build/$@.txt
$(RUN) -m uv pip install --python build/$@/bin/python --no-deps -e .
build/$@/bin/python notebooks/commands/execute.py course
endef

define install-failed
echo 'make: pip could not install what the course needs; its last lines above say why.' >&2; \
echo '  Often the network or a full disk (about 3 GB are needed). Mend it, then run make again.' >&2; \
exit 1
endef

# Candidates are run, not just looked up: a pyenv shim can exist and still fail.
# A .venv without a fitting stamp is from an interrupted install or another folder: start it anew.
define create-venv
if $(RUN) -c '' 2>/dev/null && [ "$$(cat $(STAMP) 2>/dev/null)" = "$$(pwd -P)" ]; then exit 0; fi; \
found=; bare=; intel=; \
for python in $(if $(PYTHON),"$(PYTHON)") python3 python3.13 python3.12 python3.11 python; do \
  version=$$("$$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue; \
  found="$$found $$python is $$version;"; \
  "$$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' || continue; \
  case "$$("$$python" -c 'import platform; print(platform.system(), platform.machine())' 2>/dev/null)" in \
    "Darwin x86_64") intel="$$python"; continue ;; esac; \
  "$$python" -c 'import ensurepip, venv' 2>/dev/null || { bare="$$bare $$version"; continue; }; \
  echo "Creating .venv with $$python ($$version)"; \
  rm -rf .venv && "$$python" -m venv .venv && exit 0; \
  echo 'make: Python could not create .venv; the lines above say why.' >&2; exit 1; \
done; \
for version in $$bare; do \
  echo "make: Python $$version is here, but without its venv and ensurepip modules." >&2; \
  echo "  Expected: both, as in Python's own installer. On Debian and Ubuntu they come with:" >&2; \
  echo "  sudo apt install python$$version-venv        then run make again." >&2; exit 1; \
done; \
if [ "$$intel" ]; then \
  echo "make: $$intel runs as on a Mac with an Intel processor." >&2; \
  echo '  Expected: a Python for Apple silicon; TensorFlow has no builds for Intel Macs any more.' >&2; \
  echo '  If your Mac has an M processor, install Python from https://www.python.org/downloads' >&2; \
  echo '  and run make again. If not, run the course elsewhere: site/launch.md says how.' >&2; exit 1; \
fi; \
echo 'make: no fitting Python.' >&2; \
echo '  Expected: Python 3.11, 3.12 or 3.13.' >&2; \
echo "  Found:   $${found:- none}" >&2; \
echo '  Install one from https://www.python.org/downloads and run make again,' >&2; \
echo '  or name yours: make PYTHON=/path/to/python3.12 course' >&2; exit 1
endef
