# The program as a Nix package. libvirt's binding is left out, as in the program's own requirements.
{
  lib,
  python3Packages,
  fetchPypi,
  pciutils,
}:
let
  # nixpkgs has no pylspci.
  pylspci = python3Packages.buildPythonPackage rec {
    pname = "pylspci";
    version = "0.4.3";
    format = "wheel";
    src = fetchPypi {
      inherit pname version format;
      dist = "py3";
      python = "py3";
      hash = "sha256-OGiluJlpKJhHLLZVTIRn7ypJVJyCYrTr2WdDFniSXdg=";
    };
    dependencies = [ python3Packages.cached-property ];
  };
in
python3Packages.buildPythonApplication {
  pname = "vfio-wizard";
  version = builtins.elemAt (builtins.match "(.|\n)*__version__ = \"([^\"]+)\"(.|\n)*" (
    builtins.readFile ../vfio_wizard/__init__.py
  )) 1;
  pyproject = true;
  src = lib.cleanSource ../.;
  build-system = [ python3Packages.hatchling ];
  dependencies = [
    pylspci
    python3Packages.pyroute2
    python3Packages.pyudev
    python3Packages.textual
    python3Packages.zstandard
  ];
  # A release of nixpkgs may be a version behind; the tests of that release say whether it matters.
  pythonRelaxDeps = true;
  makeWrapperArgs = [
    "--prefix"
    "PATH"
    ":"
    (lib.makeBinPath [ pciutils ])
  ];
  meta = {
    description = "GPU passthrough on Linux: look, explain, propose, change, prove, take back";
    license = lib.licenses.gpl3Plus;
    mainProgram = "vfio-wizard";
    platforms = lib.platforms.linux;
  };
}
