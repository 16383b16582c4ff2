package sqlstore

import (
	"context"
	"database/sql"

	"github.com/wedatasync/wedatasync/state"
)

// Load returns all records. Every row is verified.
func (s *Store) Load(ctx context.Context) (*state.Records, error) {
	var records []*state.Record
	err := s.view(ctx, func(tx *sql.Tx) error {
		m, err := readMeta(ctx, tx)
		if err != nil {
			return err
		}
		records = make([]*state.Record, 0, m.tasks)
		reader := newRowDecoder()
		for row, err := range tasks(ctx, tx, &m, schemaVersion) {
			if err != nil {
				return err
			}
			rec, err := reader.record(&row)
			if err != nil {
				return err
			}
			records = append(records, rec)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return state.NewRecords(records...), nil
}
