package doctor

import "syscall"

// volume is where a folder is.
type volume struct {
	free    int64  // bytes that this user may still write
	network string // the kind of network file system; empty for a disk
}

// The numbers of file systems that other machines have (statfs(2)).
const (
	magicNFS  = 0x6969
	magicCIFS = 0xff534d42
	magicSMB2 = 0xfe534d42
	magicCeph = 0x00c36400
	magic9P   = 0x01021997
)

func volumeOf(dir string) (volume, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return volume{}, err
	}
	v := volume{free: int64(st.Bavail) * int64(st.Bsize)} // of another type on each architecture
	switch uint32(st.Type) {
	case magicNFS:
		v.network = "NFS"
	case magicCIFS, magicSMB2:
		v.network = "SMB"
	case magicCeph:
		v.network = "CephFS"
	case magic9P:
		v.network = "9p"
	}
	return v, nil
}

// writable reports whether this user may write in the folder. It does not try.
func writable(dir string) error {
	const writeAndSearch = 2 | 1 // W_OK and X_OK of access(2)
	return syscall.Access(dir, writeAndSearch)
}
