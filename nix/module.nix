# Installs the wizard: programs.vfio-wizard.enable = true. It changes nothing else.
self:
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.programs.vfio-wizard;
in
{
  options.programs.vfio-wizard = {
    enable = lib.mkEnableOption "vfio-wizard, which sets up GPU passthrough";
    package = lib.mkOption {
      type = lib.types.package;
      default = self.packages.${pkgs.stdenv.hostPlatform.system}.default;
      defaultText = lib.literalExpression "the package of vfio-wizard's own flake";
      description = "The vfio-wizard package to install.";
    };
  };

  config = lib.mkIf cfg.enable {
    environment.systemPackages = [ cfg.package ];
  };
}
