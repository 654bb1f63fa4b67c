package mqtt_test

import (
	"crypto/pbkdf2"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
)

// mosquittoLine is a line of Mosquitto's password file, as mosquitto_passwd
// writes it since 2.0: PBKDF2 with SHA-512.
func mosquittoLine(user, password string) string {
	const iterations = 101
	salt := []byte("0123456789ab")
	key, err := pbkdf2.Key(sha512.New, password, salt, iterations, 64)
	if err != nil {
		panic(err)
	}
	enc := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("%s:$7$%d$%s$%s\n", user, iterations, enc(salt), enc(key))
}
