package computer

import (
	"syscall"
	"unsafe"
)

// offMains returns why the computer may not compute for lack of mains power
// (GetSystemPowerStatus).
func offMains() string {
	// SYSTEM_POWER_STATUS: the line status is its first byte, 0 for battery, 1
	// for mains.
	var status [12]byte
	get := syscall.NewLazyDLL("kernel32.dll").NewProc("GetSystemPowerStatus")
	if get.Find() != nil {
		return mainsUnknown
	}
	if ok, _, _ := get.Call(uintptr(unsafe.Pointer(&status))); ok == 0 {
		return mainsUnknown
	}
	switch status[0] {
	case 0:
		return onBattery
	case 1:
		return ""
	}
	return mainsUnknown
}
