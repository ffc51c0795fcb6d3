package cli

import (
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

const (
	ownPrefix   = "MESHCHATX_"
	aliasPrefix = "MESHCHAT_"
)

// flagVariables names the environment variable behind a flag, without prefix.
// Every flag has its own under MESHCHATX_, unless it is tagged with
// variable:"none"; those marked here are read under
// MESHCHAT_ too, for people who come from the older program.
var flagVariables = map[string]string{
	"host": "HOST", "port": "PORT", "headless": "HEADLESS", "storage-dir": "STORAGE_DIR",
	"reticulum-config-dir": "RETICULUM_CONFIG_DIR", "identity-file": "IDENTITY_FILE",
	"identity-base64": "IDENTITY_BASE64", "identity-base32": "IDENTITY_BASE32",
	"no-https": "NO_HTTPS", "ssl-cert": "SSL_CERT", "ssl-key": "SSL_KEY", "log-level": "RNS_LOG_LEVEL",
}

// ownOnly are variables that exist under MESHCHATX_ alone.
var ownOnly = map[string]string{"log-level": "LOG_LEVEL", "plain-http-anywhere": "PLAIN_HTTP_ANYWHERE"}

// withoutCounterpart are variables of the older program that mean nothing here.
var withoutCounterpart = []string{
	"AUTH", "LOG_DIR", "AUTO_RECOVER", "EMERGENCY", "PUBLIC_DIR", "NO_CRASH_RECOVERY", "RESTORE_SNAPSHOT",
}

// variables resolves flags from the environment and remembers what it used.
type variables struct {
	getenv  func(string) string
	aliases []alias
}

type alias struct{ variable, flag string }

// Validate implements kong.Resolver.
func (v *variables) Validate(*kong.Application) error { return nil }

// Resolve implements kong.Resolver. Our own prefix wins over the alias.
func (v *variables) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	if flag.Tag.Get("variable") == "none" {
		return nil, nil
	}
	for _, name := range []string{ownOnly[flag.Name], flagVariables[flag.Name]} {
		if value := v.getenv(ownPrefix + name); name != "" && value != "" {
			return value, nil
		}
	}
	name, ok := flagVariables[flag.Name]
	if !ok {
		return nil, nil
	}
	value := v.getenv(aliasPrefix + name)
	if value == "" {
		return nil, nil
	}
	a := alias{variable: aliasPrefix + name, flag: "--" + flag.Name}
	if !slices.Contains(v.aliases, a) {
		v.aliases = append(v.aliases, a)
	}
	return value, nil
}

// used reports whether a flag's value may have come from an alias.
func (v *variables) used(flag string) bool {
	return slices.ContainsFunc(v.aliases, func(a alias) bool { return a.flag == flag })
}

// report logs which aliases were read and which variables mean nothing here.
func (v *variables) report(log *slog.Logger) {
	for _, a := range v.aliases {
		log.Info("setting taken from an alias", "variable", a.variable, "flag", a.flag)
	}
	for _, name := range withoutCounterpart {
		if v.getenv(aliasPrefix+name) != "" {
			log.Warn("variable has no counterpart and is ignored", "variable", aliasPrefix+name)
		}
	}
}

// guard refuses what an alias must not do: serve without encryption to other
// machines.
func (v *variables) guard(host string, noHTTPS bool) error {
	if !noHTTPS || !v.used("--no-https") || loopback(host) {
		return nil
	}
	return failf("%sNO_HTTPS does not apply to %s: an alias cannot switch encryption off for other machines; use --no-https with --plain-http-anywhere", aliasPrefix, host)
}

func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// parseLevel reads a log level: a word, or a number of the Reticulum scale.
func parseLevel(s string) (slog.Level, error) {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "0", "1", "critical", "none":
		return slog.LevelError + 4, nil
	case "2", "error":
		return slog.LevelError, nil
	case "3", "warning", "warn":
		return slog.LevelWarn, nil
	case "", "4", "notice", "5", "info":
		return slog.LevelInfo, nil
	case "6", "verbose", "7", "debug":
		return slog.LevelDebug, nil
	case "8", "extreme", "trace":
		return slog.LevelDebug - 4, nil
	}
	return 0, fmt.Errorf("log level %q: use error, warning, info, debug, or 0 to 8", s)
}
